"""Small programs in each compiled language, and what its compiler must not be able to do."""

from __future__ import annotations

from typing import NamedTuple


class Compiled(NamedTuple):
    """`echo`: prints each argument in brackets, one a line, and exits with 3. `error`: ends in an error that nothing
    catches. `broken`: uses `no_such_name`, of which the compiler must tell, and end with `code`. `spy`: would print
    the file PATH as it was at compile time; None where a compiler reads nothing but sources."""

    echo: str
    error: str
    broken: str
    code: int
    spy: str | None


PROGRAMS = {
    "c": Compiled(
        "#include <stdio.h>\n"
        'int main(int n, char **w) { for (int i = 1; i < n; i++) printf("[%s]\\n", w[i]); return 3; }',
        "#include <stdlib.h>\nint main(void) { abort(); }",
        "int main(void) { return no_such_name; }",
        1,
        "#include <stdio.h>\n"
        '__asm__("spied: .incbin \\"PATH\\"\\n.byte 0");\nextern char spied[];\nint main() { puts(spied); }',
    ),
    "cpp": Compiled(
        "#include <cstdio>\n"
        'int main(int n, char **w) { for (int i = 1; i < n; i++) std::printf("[%s]\\n", w[i]); return 3; }',
        "int main() { throw 1; }",
        "int main() { return no_such_name; }",
        1,
        '#include "PATH"\nint main() {}',
    ),
    "csharp": Compiled(
        "class P { static int Main(string[] a) { "
        'foreach (var w in a) System.Console.Write("[" + w + "]\\n"); return 3; } }',
        'class P { static void Main() { throw new System.Exception("thrown"); } }',
        "class P { static void Main() { no_such_name(); } }",
        1,
        None,
    ),
    "d": Compiled(
        'import std.stdio;\nint main(string[] a) { foreach (w; a[1 .. $]) writef("[%s]\\n", w); return 3; }',
        'void main() { throw new Exception("thrown"); }',
        "void main() { no_such_name(); }",
        1,
        None,
    ),
    "fortran": Compiled(
        "program main\ncharacter(80) :: word\ninteger :: i, n\ndo i = 1, command_argument_count()\n"
        "call get_command_argument(i, word, n)\nprint '(a)', '[' // word(1:n) // ']'\nend do\n"
        "stop 3, quiet=.true.\nend",
        "error stop 'thrown'\nend",
        "implicit none\nprint *, no_such_name\nend",
        1,
        "include 'PATH'\nend",
    ),
    "go": Compiled(
        'package main\nimport ("fmt"; "os")\n'
        'func main() { for _, word := range os.Args[1:] { fmt.Printf("[%s]\\n", word) }; os.Exit(3) }',
        'package main\nfunc main() { panic("thrown") }',
        "package main\nfunc main() { no_such_name() }",
        2,
        'package main\nimport _ "embed"\n//go:embed PATH\nvar spied string\nfunc main() { print(spied) }',
    ),
    "haskell": Compiled(
        "import System.Environment\nimport System.Exit\n"
        'main = getArgs >>= mapM_ (\\word -> putStrLn ("[" ++ word ++ "]")) >> exitWith (ExitFailure 3)',
        'main = error "thrown"',
        "main = no_such_name",
        1,
        "{-# LANGUAGE TemplateHaskell #-}\nimport Language.Haskell.TH\n"
        'main = putStrLn $(runIO (readFile "PATH") >>= litE . stringL)',
    ),
    "java": Compiled(
        'class Main { public static void main(String[] a) { for (var w : a) System.out.print("[" + w + "]\\n"); '
        "System.exit(3); } }",
        'class Main { public static void main(String[] a) { throw new RuntimeException("thrown"); } }',
        "class Main { public static void main(String[] a) { no_such_name(); } }",
        1,
        None,
    ),
    "nim": Compiled(
        'import os\nfor word in commandLineParams(): echo "[", word, "]"\nquit 3',
        'raise newException(ValueError, "thrown")',
        "no_such_name()",
        1,
        'echo staticRead("PATH")',
    ),
    "ocaml": Compiled(
        'let () = Array.iteri (fun i word -> if i > 0 then print_string ("[" ^ word ^ "]\\n")) Sys.argv; exit 3',
        'let () = failwith "thrown"',
        "let () = no_such_name",
        2,
        None,
    ),
    "pascal": Compiled(
        "var i: integer; begin for i := 1 to ParamCount do writeln('[', ParamStr(i), ']'); halt(3) end.",
        "begin runError(201) end.",
        "begin no_such_name end.",
        1,
        "{$I PATH}\nbegin end.",
    ),
    "rust": Compiled(
        'fn main() { for word in std::env::args().skip(1) { println!("[{}]", word); } std::process::exit(3) }',
        'fn main() { panic!("thrown") }',
        "fn main() { no_such_name() }",
        1,
        'fn main() { println!("{}", include_str!("PATH")); }',
    ),
    "typescript": Compiled(
        "declare const process: any;\n"
        "for (const word of process.argv.slice(2)) console.log(`[${word}]`);\nprocess.exit(3);\nexport {};",
        'throw new Error("thrown");',
        "const text: string = no_such_name;",
        2,
        None,
    ),
}
