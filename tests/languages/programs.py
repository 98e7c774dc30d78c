"""Small programs in each interpreted language, for what a user must be able to count on in all of them."""

from __future__ import annotations

from typing import NamedTuple


class Programs(NamedTuple):
    """`echo`: prints each argument in brackets, one a line, and exits with 3. `error`: ends in an error that nothing
    catches, for `word` to be told on stderr. `prompt`: prints a `?` and no line feed, then waits for a line of stdin;
    None where the language has no way to say that output is not to wait for more."""

    echo: str
    error: str
    word: bytes
    prompt: str | None


PROGRAMS = {
    "awk": Programs(
        'BEGIN { for (i = 1; i < ARGC; i++) print "[" ARGV[i] "]"; exit 3 }',
        'BEGIN { printf "%d", no_such_function(1) }',
        b"no_such_function",
        None,
    ),
    "bash": Programs(
        "for word; do printf '[%s]\\n' \"$word\"; done; exit 3",
        "set -u; echo $no_such_variable",
        b"no_such_variable",
        "printf '?'; read -r line",
    ),
    "lua": Programs(
        "for _, word in ipairs(arg) do print('[' .. word .. ']') end os.exit(3)",
        "local x = no_such_table.field",
        b"no_such_table",
        "io.write('?') io.read()",
    ),
    "node": Programs(
        "for (const word of process.argv.slice(2)) console.log(`[${word}]`); process.exit(3);",
        "no_such_function();",
        b"no_such_function",
        "process.stdout.write('?'); require('fs').readFileSync(0);",
    ),
    "octave": Programs(
        'words = argv(); for i = 1:numel(words), printf("[%s]\\n", words{i}); end, exit(3)',
        "no_such_function(1)",
        b"no_such_function",
        'printf("?"); fgetl(stdin);',
    ),
    "perl": Programs(
        'print "[$_]\\n" for @ARGV; exit 3;',
        "no_such_function();",
        b"no_such_function",
        'print "?"; <STDIN>;',
    ),
    "php": Programs(
        '<?php foreach (array_slice($argv, 1) as $word) echo "[$word]\\n"; exit(3);',
        "<?php no_such_function();",
        b"no_such_function",
        '<?php echo "?"; fgets(STDIN);',
    ),
    "prolog": Programs(
        ":- initialization(main, main).\nmain(Words) :- forall(member(W, Words), format('[~w]~n', [W])), halt(3).",
        ":- initialization(main, main).\nmain :- no_such_predicate(1).",
        b"no_such_predicate",
        ":- initialization(main, main).\nmain :- write(?), read_term(_, []).",
    ),
    "python": Programs(
        "import sys\nfor word in sys.argv[1:]:\n    print(f'[{word}]')\nsys.exit(3)",
        "no_such_function()",
        b"no_such_function",
        "print('?', end='')\ninput()",
    ),
    "r": Programs(
        'for (word in commandArgs(TRUE)) cat("[", word, "]\\n", sep = "")\nquit(status = 3)',
        "no_such_function()",
        b"no_such_function",
        'cat("?")\nline <- readLines(file("stdin"), 1)',
    ),
    "ruby": Programs(
        'ARGV.each { |word| puts "[" + word + "]" }\nexit 3',
        "no_such_function(1)",
        b"no_such_function",
        None,
    ),
    "scheme": Programs(
        '(for-each (lambda (word) (display (string-append "[" word "]\\n"))) (cdr (command-line))) (exit 3)',
        "(no-such-function)",
        b"no-such-function",
        '(use-modules (ice-9 rdelim)) (display "?") (read-line)',
    ),
    "sh": Programs(
        "for word; do printf '[%s]\\n' \"$word\"; done; exit 3",
        "set -u; echo $no_such_variable",
        b"no_such_variable",
        "printf '?'; read -r line",
    ),
    "sqlite": Programs(
        "SELECT '[' || value || ']' FROM temp.sqlite_parameters ORDER BY CAST(substr(key, 2) AS INTEGER);\n.exit 3\n",
        "SELECT 1 FROM no_such_table;\nSELECT 'not told';",
        b"no_such_table",
        "SELECT '?';\nCREATE TABLE lines (line);\n.import '|cat' lines\n",
    ),
    "tcl": Programs(
        'foreach word $argv { puts "\\[$word\\]" }\nexit 3',
        "no_such_command",
        b"no_such_command",
        None,
    ),
}
