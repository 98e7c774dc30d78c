// attempt: Talks to the hypervisor by vsock, which no network namespace holds, and waits there for who connects.
// known-from: CVE-2021-26708; technique: agents of clouds and virtual machines listen on vsock
// held-by: filter
// must: held
// control: weak no-filter
#include "escape.h"

#include <sys/socket.h>

#include <linux/vm_sockets.h>

int main(void) {
    const int kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM | SOCK_NONBLOCK};
    int error = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int fd = socket(AF_VSOCK, kinds[i], 0);
        error = errno;
        if (fd < 0) continue;
        struct sockaddr_vm here = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = VMADDR_PORT_ANY};
        int bound = bind(fd, (struct sockaddr *)&here, sizeof here) ? errno : 0;
        escaped("a socket of vsock, bind %s, listen %d", strerrorname_np(bound), listen(fd, 1));
    }
    int device = open("/dev/vsock", O_RDONLY);
    if (device >= 0) escaped("/dev/vsock");
    held("%s, %s", strerrorname_np(error), strerrorname_np(errno));
}
