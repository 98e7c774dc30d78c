// attempt: Asks the kernel for the tables of iptables, and replaces one, by socket options.
// known-from: CVE-2021-22555 (a heap overflow of IPT_SO_SET_REPLACE, reached with CAP_NET_ADMIN of a user namespace)
// held-by: filter, capabilities
// must: held
// control: bare
#include "escape.h"

#include <sched.h>
#include <sys/socket.h>

#include <linux/netfilter_ipv4/ip_tables.h>

int main(void) {
    int apart = unshare(CLONE_NEWUSER | CLONE_NEWNET) ? errno : 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) return 1;
    struct ipt_getinfo info = {.name = "filter"};
    struct ipt_replace replace = {.name = "filter", .num_counters = 1}; /* too little to be one: refused with EINVAL */
    socklen_t size = sizeof info;
    int asked = getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &size) ? errno : 0;
    int replaced = setsockopt(fd, IPPROTO_IP, IPT_SO_SET_REPLACE, &replace, sizeof replace) ? errno : 0;
    if (asked == 0 || (replaced != EPERM && replaced != ENOPROTOOPT))
        escaped("get: %s, replace: %s", strerrorname_np(asked), strerrorname_np(replaced));
    held("unshare: %s, get: %s, replace: %s", strerrorname_np(apart), strerrorname_np(asked),
         strerrorname_np(replaced));
}
