/* The supervisor's message: u32 length of what follows, then
 *
 *   header   two u16: version, flags; five u32: argc, envc, rlimits, bytes of filter, bytes of strings
 *   rlimits  (u64 resource, soft, hard) each
 *   filter   BPF: instructions of struct sock_filter
 *   strings  NUL-terminated: scratch, working directory, path of the program, argv..., environment...
 *
 * in this machine's byte order. The parser believes none of it: every sum has 64 bits, and the parts must fill the
 * message exactly.
 */
#include "launcher.h"

enum { VERSION = 2, LIMITS_MAX = 32 };

struct header {
    uint16_t version, flags;
    uint32_t argc, envc, limit_count, filter_bytes, strings_bytes;
};

static bool header_is_sound(const struct header *header, size_t size) {
    uint64_t sum = sizeof *header + header->limit_count * (uint64_t)sizeof(struct limit) + header->filter_bytes +
                   (uint64_t)header->strings_bytes;
    return header->version == VERSION && !(header->flags & ~FLAGS) && header->argc > 0 &&
           header->limit_count <= LIMITS_MAX &&
           header->filter_bytes <= BPF_MAXINSNS * sizeof(struct sock_filter) &&
           header->filter_bytes % sizeof(struct sock_filter) == 0 && sum == size;
}

/* As many as were announced, the last one ended: then nobody reads past them. */
static bool strings_are_sound(const struct header *header, const char *strings) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < header->strings_bytes; i++) count += strings[i] == 0;
    return count == 3 + (uint64_t)header->argc + header->envc && strings[header->strings_bytes - 1] == 0;
}

/* `bytes` is aligned for a u64. */
bool parse_message(char *bytes, size_t size, struct message *message) {
    struct header header;
    if (size < sizeof header) return false;
    memcpy(&header, bytes, sizeof header);
    if (!header_is_sound(&header, size)) return false;

    struct limit *limits = (struct limit *)(bytes + sizeof header);
    struct sock_filter *filter = (struct sock_filter *)(limits + header.limit_count);
    char *strings = (char *)filter + header.filter_bytes;
    if (!strings_are_sound(&header, strings)) return false;
    for (uint32_t i = 0; i < header.limit_count; i++) /* prlimit takes 32 bits of it: more would name another one */
        if (limits[i].resource >= RLIM_NLIMITS) return false;

    char *directory = strings + strlen(strings) + 1;
    char *path = directory + strlen(directory) + 1;
    *message = (struct message){
        .flags = header.flags,
        .argc = header.argc,
        .envc = header.envc,
        .limit_count = header.limit_count,
        .filter_length = header.filter_bytes / (uint32_t)sizeof(struct sock_filter),
        .limits = limits,
        .filter = filter,
        .scratch = strings,
        .directory = directory,
        .path = path,
        .strings = path + strlen(path) + 1,
    };
    return true;
}

static char *fill_vector(char **vector, uint32_t count, char *string) {
    for (uint32_t i = 0; i < count; i++) {
        vector[i] = string;
        string += strlen(string) + 1;
    }
    vector[count] = NULL;
    return string;
}

/* `argv` and `envp` have room for argc and envc pointers and a NULL each. */
void fill_vectors(const struct message *message, char **argv, char **envp) {
    fill_vector(envp, message->envc, fill_vector(argv, message->argc, message->strings));
}
