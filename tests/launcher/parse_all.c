/* The message parser on many messages, each in a heap block of just its size, so that AddressSanitizer sees a byte read
 * beyond. stdin: u32 length and bytes of each; stdout: a line each, "no" or what the parser made of it. */
#include "launcher.h"

#include <stdio.h>
#include <stdlib.h>

static void show(const struct message *message) {
    char **argv = malloc((message->argc + 1) * sizeof *argv), **envp = malloc((message->envc + 1) * sizeof *envp);
    uint64_t sum = 0;
    fill_vectors(message, argv, envp);
    for (char **word = argv; *word; word++) sum += strlen(*word);
    for (char **word = envp; *word; word++) sum += strlen(*word);
    for (uint32_t i = 0; i < message->limit_count; i++) sum += message->limits[i].resource;
    for (uint32_t i = 0; i < message->filter_length; i++) sum += message->filter[i].jt;
    sum += strlen(message->directory) + strlen(message->path);
    printf("%u %u %u %u %llu\n", message->argc, message->envc, message->limit_count, message->filter_length,
           (unsigned long long)sum);
    free(argv);
    free(envp);
}

int main(void) {
    uint32_t size;
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        struct message message;
        char *bytes = malloc(size ? size : 1);
        if (fread(bytes, 1, size, stdin) != size) return 1;
        if (parse_message(bytes, size, &message)) show(&message);
        else puts("no");
        free(bytes);
    }
    return 0;
}
