// attempt: Opens packet and raw sockets, with CAP_NET_RAW of a user namespace and without, and asks for a ring.
// known-from: CVE-2020-14386 and CVE-2016-8655 (af_packet), CVE-2017-7308 (the sizes of its rings)
// held-by: filter, capabilities
// must: held
// control: bare
#include "escape.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

int main(void) {
    const struct {
        int family, type, protocol;
    } kinds[] = {
        {AF_PACKET, SOCK_RAW, 0x0300}, {AF_PACKET, SOCK_DGRAM, 0x0300}, {AF_PACKET, SOCK_RAW, 0},
        {AF_INET, SOCK_RAW, IPPROTO_RAW}, {AF_INET, SOCK_RAW, IPPROTO_ICMP}, {AF_INET6, SOCK_RAW, IPPROTO_RAW},
    };
    int apart = unshare(CLONE_NEWUSER | CLONE_NEWNET) ? errno : 0, error = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int fd = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);
        if (fd >= 0) {
            int version = TPACKET_V3;
            struct tpacket_req3 ring = {.tp_block_size = 1 << 16, .tp_block_nr = 1, .tp_frame_nr = 32};
            ring.tp_frame_size = ring.tp_block_size / ring.tp_frame_nr;
            int set = setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version);
            int asked = setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof ring);
            escaped("a socket of family %d, version %d, ring %d", kinds[i].family, set, asked);
        }
        error = errno;
    }
    held("unshare: %s, socket: %s", strerrorname_np(apart), strerrorname_np(error));
}
