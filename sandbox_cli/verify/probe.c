/* probe: tries system calls and says what the kernel answers. `sandbox verify` runs it as a job, and outside of one.
 *
 * What is tried, and what it should have been, is told in Python (calls.py): this knows no policy. Standard input is
 * read to its end first; each of its lines is one attempt: a letter, then calls separated by "; ":
 *
 *   a, b, c                 it is made in a child that has two seconds; that has a tenth of one, since it blocks; that has
 *                           all the time; and where no child can be had, in the probe itself, but for A, B and C, which
 *                           may end whoever makes them
 *   n, k                    it is made in the probe itself; with k what it opened stays open, since closing is refused
 *   NUMBER ARGUMENT...      a call; `32:NUMBER` is one of a 32-bit program (x86_64 alone)
 *   arguments               -7 a number, x2f00 bytes behind a pointer, o64 a buffer to be filled, r0 what the first call
 *                           answered, v2f,2f a list of strings that ends as argv does
 *
 * Its answer is a line: what each call returned, as the kernel says it (-13 is EACCES), and =HEX for each buffer, without
 * the zeros at its end. An attempt is over with the first call that fails. `!N` means that signal N ended the child, `.N`
 * that it exited with N by itself, `?` that it was not tried.
 *
 * No C library: a filter that lets four calls pass (read, write, clone, wait4) is enough for it, and with the first two it
 * still makes those that may be made in the probe.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../launcher/call.h"

enum { INPUT = 1 << 18, ARENA = 1 << 17, CALLS = 16, ARGUMENTS = 6 };
enum { SIGCHLD_NUMBER = 17, ITIMER_REAL = 0, FIRST_FD = 3, SOME_FDS = 24 };

static char input[INPUT], answer[2 * ARENA + 64];
static char arena[ARENA] __attribute__((aligned(16)));
static size_t input_length, used, said;

struct buffer {
    const char *bytes;
    size_t size;
};

/* Numbers of the calls that the probe makes for itself: no header is sure to be there without a C library. */
#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, SETITIMER = 38, CLONE = 56, FORK = 57, VFORK = 58, WAIT4 = 61, EXIT_GROUP = 231 };
static long call_32(long number, const long *a) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                     : "memory", "r8", "r9", "r10", "r11");
    return (int32_t)result;
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call probe\n hlt\n");
#elif defined(__aarch64__)
enum { CLOSE = 57, READ = 63, WRITE = 64, EXIT_GROUP = 94, SETITIMER = 103, CLONE = 220, WAIT4 = 260, FORK = -1, VFORK = -1 };
static long call_32(long number, const long *a) {
    (void)number, (void)a;
    return -38; /* ENOSYS */
}
__asm__(".globl _start\n_start: mov x29, #0\n mov x30, #0\n bl probe\n brk #1\n");
#else
#error "no probe for this machine yet"
#endif

/* Compilers call these by themselves. Volatile, or they would make a call of the loop, too. */
void *memset(void *to, int value, size_t count);
void *memset(void *to, int value, size_t count) {
    for (volatile char *each = to; count; count--) *each++ = (char)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    const char *source = from;
    for (volatile char *each = to; count; count--) *each++ = *source++;
    return to;
}

static long call3(long number, long first, long second, long third) {
    const long arguments[ARGUMENTS] = {first, second, third};
    return call(number, arguments);
}

_Noreturn static void leave(int code) {
    for (;;) call3(EXIT_GROUP, code, 0, 0);
}

static void say(char letter) {
    if (said < sizeof answer) answer[said++] = letter;
}

static void say_number(long number) {
    char digits[21];
    int count = 0;
    unsigned long rest = number < 0 ? 0UL - (unsigned long)number : (unsigned long)number;
    if (number < 0) say('-');
    do digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    while (count) say(digits[--count]);
}

static void flush(void) {
    size_t written = 0;
    while (written < said) {
        long count = call3(WRITE, 1, (long)(answer + written), (long)(said - written));
        if (count <= 0) leave(1);
        written += (size_t)count;
    }
    said = 0;
}

static void say_buffer(struct buffer buffer) {
    size_t length = buffer.size;
    while (length && !buffer.bytes[length - 1]) length--;
    say('=');
    for (size_t i = 0; i < length; i++) {
        say("0123456789abcdef"[(unsigned char)buffer.bytes[i] >> 4]);
        say("0123456789abcdef"[buffer.bytes[i] & 15]);
    }
    say(' ');
}

/* The arena is zeroed memory, used from its start by each attempt anew. NULL: there is no more of it. */
static char *take(size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (size > ARENA - used) return NULL;
    char *taken = arena + used;
    for (size_t i = 0; i < size; i++) taken[i] = 0;
    used += size;
    return taken;
}

static long number_at(const char **text) {
    bool negative = **text == '-';
    unsigned long number = 0;
    if (negative) ++*text;
    while (**text >= '0' && **text <= '9') number = number * 10 + (unsigned long)(*(*text)++ - '0');
    return (long)(negative ? 0 - number : number);
}

static int nibble(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static char *bytes_at(const char **text) {
    size_t length = 0;
    while (nibble((*text)[2 * length]) >= 0 && nibble((*text)[2 * length + 1]) >= 0) length++;
    char *bytes = take(length + 1);
    for (size_t i = 0; bytes && i < length; i++)
        bytes[i] = (char)(nibble((*text)[2 * i]) << 4 | nibble((*text)[2 * i + 1]));
    *text += 2 * length;
    return bytes;
}

static char **list_at(const char **text) {
    enum { WORDS = 8 };
    char **list = (char **)take((WORDS + 1) * sizeof *list);
    for (int i = 0; list && i < WORDS; i++) {
        list[i] = bytes_at(text);
        if (**text != ',') break;
        ++*text;
    }
    return list;
}

static long argument_at(const char **text, const long *results, int made, struct buffer *buffer) {
    char kind = **text;
    if (kind == '-' || (kind >= '0' && kind <= '9')) return number_at(text);
    ++*text;
    if (kind == 'x') return (long)bytes_at(text);
    if (kind == 'v') return (long)list_at(text);
    long number = number_at(text);
    if (kind == 'r') return number >= 0 && number < made ? results[number] : -1;
    if (kind != 'o' || number < 0) leave(2);
    *buffer = (struct buffer){take((size_t)number), (size_t)number};
    if (!buffer->bytes) leave(2);
    return (long)buffer->bytes;
}

/* What these bring forth has nothing to say, and ends; nobody waits for it. */
static bool is_fork(long number) {
    return number == FORK || number == VFORK || number == CLONE;
}

/* One call of the line, from `text` on. Returns whether another one follows. */
static bool one_call(const char **text, long *results, int made) {
    long arguments[ARGUMENTS] = {0};
    struct buffer buffers[ARGUMENTS] = {{0}};
    long number = number_at(text);
    bool is_32 = **text == ':';
    if (is_32) {
        ++*text;
        number = number_at(text);
    }
    for (int i = 0; **text == ' '; i++) {
        ++*text;
        if (**text == ';' || **text == '\n') break;
        if (i == ARGUMENTS) leave(2);
        arguments[i] = argument_at(text, results, made, &buffers[i]);
    }
    long result = is_32 ? call_32(number, arguments) : call(number, arguments);
    if (!result && !is_32 && is_fork(number)) leave(0); /* by vfork in the caller's memory: say nothing */
    results[made] = result;
    say_number(result);
    say(' ');
    for (int i = 0; i < ARGUMENTS; i++)
        if (buffers[i].bytes) say_buffer(buffers[i]);
    flush();
    if (**text != ';') return false;
    *text += 2; /* "; " */
    return result < 0 && result > -4096 ? false : true;
}

static void attempt(const char *text) {
    long results[CALLS] = {0};
    used = 0;
    for (int made = 0; made < CALLS; made++)
        if (!one_call(&text, results, made)) return;
}

static void make(const char *text) {
    static const long long_timer[4] = {0, 0, 2, 0}, short_timer[4] = {0, 0, 0, 100000};
    char how = *text, timed = how | ('a' ^ 'A');
    text += 2;
    long child = timed == 'n' || timed == 'k' ? -1 : call3(CLONE, SIGCHLD_NUMBER, 0, 0);
    if (!child) {
        const long *timer = timed == 'a' ? long_timer : timed == 'b' ? short_timer : NULL;
        if (timer) call3(SETITIMER, ITIMER_REAL, (long)timer, 0); /* then SIGALRM ends it */
        attempt(text);
        leave(0);
    }
    int status = 0;
    if (child > 0) {
        const long arguments[ARGUMENTS] = {child, (long)&status, 0, 0, 0, 0};
        while (call(WAIT4, arguments) == -4) continue; /* EINTR */
    } else if (how != timed) {
        say('?');
    } else {
        attempt(text);
        for (long fd = FIRST_FD; fd < SOME_FDS && timed != 'k'; fd++) call3(CLOSE, fd, 0, 0);
    }
    if (status & 127) say('!'), say_number(status & 127);
    else if (status) say('.'), say_number(status >> 8 & 255);
    say('\n');
    flush();
}

__attribute__((used)) void probe(void) {
    for (;;) {
        if (input_length == INPUT - 1) leave(3);
        long count = call3(READ, 0, (long)(input + input_length), (long)(INPUT - 1 - input_length));
        if (count < 0) leave(3);
        if (!count) break;
        input_length += (size_t)count;
    }
    for (size_t start = 0; start < input_length;) {
        make(input + start);
        while (start < input_length && input[start++] != '\n') continue;
    }
    leave(0);
}
