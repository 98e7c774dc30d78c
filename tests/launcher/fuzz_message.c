/* The message parser on any bytes: under libFuzzer (`make fuzz-launcher`), and built alone for the messages of corpus.py
 * (test_message.py). It must agree with a second parser, which takes the parts off one by one, and what it hands out
 * must be the message's own bytes: all of them, in their order, and none beyond. Each message gets a heap block of
 * just its size, so that AddressSanitizer sees a byte read beyond. */
#include "launcher.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEADER_WORDS = 6, HEADER_BYTES = 4 * HEADER_WORDS, LIMIT_BYTES = 24 };
enum field { VERSION /* and the flags above it */, ARGC, ENVC, LIMITS, FILTER_BYTES, STRINGS_BYTES };

static void must(bool kept) {
    if (!kept) abort();
}

static uint64_t count_words(const uint8_t *bytes, size_t size) {
    uint64_t count = 0;
    while (size--) count += !*bytes++;
    return count;
}

static bool is_sound(const uint8_t *data, size_t size) {
    uint32_t header[HEADER_WORDS];
    if (size < HEADER_BYTES) return false;
    memcpy(header, data, HEADER_BYTES);
    data += HEADER_BYTES, size -= HEADER_BYTES;
    if ((header[VERSION] & 0xffff) != 2 || header[VERSION] >> 16 > FLAGS) return false;
    if (!header[ARGC] || header[LIMITS] > 32) return false;
    for (uint32_t limit = 0; limit < header[LIMITS]; limit++, data += LIMIT_BYTES, size -= LIMIT_BYTES) {
        uint64_t resource;
        if (size < LIMIT_BYTES) return false;
        memcpy(&resource, data, sizeof resource);
        if (resource > 15) return false;
    }
    if (header[FILTER_BYTES] > 32768 || header[FILTER_BYTES] % 8 || header[FILTER_BYTES] > size) return false;
    data += header[FILTER_BYTES], size -= header[FILTER_BYTES];
    if (!size || size != header[STRINGS_BYTES] || data[size - 1]) return false;
    uint64_t words = count_words(data, size);
    return words >= 4 && words - 3 - header[ARGC] == header[ENVC];
}

static char *walk(char **vector, uint32_t count, char *at) {
    for (uint32_t word = 0; word < count; word++) {
        must(vector[word] == at);
        at += strlen(at) + 1;
    }
    must(!vector[count]);
    return at;
}

static void check(const struct message *message, char *bytes, size_t size) {
    must(((uintptr_t)message->limits | (uintptr_t)message->filter) % 8 == 0);
    must((char *)message->limits == bytes + HEADER_BYTES);
    must((char *)message->filter == (char *)(message->limits + message->limit_count));
    must(message->scratch == (char *)(message->filter + message->filter_length));
    must(message->directory == message->scratch + strlen(message->scratch) + 1);
    must(message->path == message->directory + strlen(message->directory) + 1);
    must(message->strings == message->path + strlen(message->path) + 1);

    char **argv = malloc((message->argc + 1ULL) * sizeof *argv), **envp = malloc((message->envc + 1ULL) * sizeof *envp);
    fill_vectors(message, argv, envp);
    must(walk(envp, message->envc, walk(argv, message->argc, message->strings)) == bytes + size);
    free(argv);
    free(envp);
}

static bool parse(const uint8_t *data, size_t size) {
    struct message message;
    char *bytes = malloc(size ? size : 1);
    memcpy(bytes, data, size);
    bool taken = parse_message(bytes, size, &message);
    must(taken == is_sound(data, size));
    must(!memcmp(bytes, data, size));
    if (taken) check(&message, bytes, size);
    free(bytes);
    return taken;
}

#ifdef LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse(data, size);
    return 0;
}

/* Half of them with the sums put right, or almost none would pass the header: the one length that fits, and often the
 * number of words. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    uint32_t header[HEADER_WORDS];
    size = LLVMFuzzerMutate(data, size, most);
    if (seed & 1 || size < HEADER_BYTES) return size;
    memcpy(header, data, HEADER_BYTES);
    if (seed & 2) header[LIMITS] %= 33;
    if (seed & 4) header[FILTER_BYTES] = header[FILTER_BYTES] % 4097 * 8;
    uint64_t before = HEADER_BYTES + header[LIMITS] * (uint64_t)LIMIT_BYTES + header[FILTER_BYTES];
    if (before >= size) return size;
    header[STRINGS_BYTES] = (uint32_t)(size - before);
    if (seed & 8) data[size - 1] = 0;
    uint64_t words = count_words(data + before, size - before);
    if (seed & 16 && words > 3) {
        if (header[ARGC] > words - 3) header[ARGC] = (uint32_t)(words - 3);
        header[ENVC] = (uint32_t)(words - 3 - header[ARGC]);
    }
    memcpy(data, header, HEADER_BYTES);
    return size;
}
#else
/* stdin: u32 length and bytes of each message; stdout: a line each, "yes" or "no". */
int main(void) {
    uint32_t size;
    setvbuf(stdout, NULL, _IOLBF, 0); /* so that the number of lines tells at which message it aborted */
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        uint8_t *data = malloc(size ? size : 1);
        if (fread(data, 1, size, stdin) != size) return 1;
        puts(parse(data, size) ? "yes" : "no");
        free(data);
    }
    return 0;
}
#endif
