/* Options of AddressSanitizer that need no environment. It looks for leaks by ptrace, which init refuses, and there is
 * nothing to leak. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:exitcode=99"; }
