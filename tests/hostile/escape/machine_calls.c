// attempt: Makes the calls that are the machine's own: power, swap, accounting, quota, another kernel, modules, ports.
// known-from: technique: a container with CAP_SYS_BOOT, CAP_SYS_MODULE or CAP_SYS_RAWIO is the host
// held-by: filter, capabilities
// must: held
// control: bare root
#include "escape.h"

#include <sys/quota.h>

int main(void) {
    /* Each with arguments that do nothing: who may not is told EPERM, who may hears what is wrong with them. */
    const char *none = "/nonexistent/escape";
    const struct {
        const char *name;
        long number, arguments[5];
    } calls[] = {
        {"reboot", SYS_reboot, {0}},
        {"swapon", SYS_swapon, {(long)none}},
        {"swapoff", SYS_swapoff, {(long)none}},
        {"acct", SYS_acct, {(long)none}},
        {"quotactl", SYS_quotactl, {QCMD(Q_QUOTAON, USRQUOTA), (long)none}},
        {"kexec_load", SYS_kexec_load, {0, 0, 0, ~0L}},
        {"kexec_file_load", SYS_kexec_file_load, {-1, -1}},
        {"init_module", SYS_init_module, {0}},
        {"finit_module", SYS_finit_module, {-1}},
        {"delete_module", SYS_delete_module, {0}},
        {"vhangup", SYS_vhangup, {0}},
#ifdef __x86_64__
        {"iopl", SYS_iopl, {3}},
        {"ioperm", SYS_ioperm, {0x80, 1, 1}},
#endif
    };
    char reached[500] = "";
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const long *with = calls[i].arguments;
        if (calls[i].number == SYS_vhangup && geteuid() == 0) continue; /* it has no arguments to be wrong */
        errno = 0;
        syscall(calls[i].number, with[0], with[1], with[2], with[3], with[4]);
        if (errno != EPERM) snprintf(reached + strlen(reached), 60, "%s %s, ", calls[i].name, strerrorname_np(errno));
    }
    if (*reached) escaped("%s", reached);
    held("EPERM of all");
}
