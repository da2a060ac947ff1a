"""Hostile sources: what each must come to. The compilers run in the sandbox as well."""

from __future__ import annotations

from dataclasses import dataclass

from telerun_protocol.states import Language, Reason

LIMITS = {
    "wall_time_s": 4.0,
    "compile_time_s": 12.0,
    "disk_bytes": 64 << 20,
    "processes": 64,
    "memory_bytes": 256 << 20,
}
MAIN = b"int main(void) { return 0; }\n"


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """A source and what must come of it."""

    number: str
    source: bytes
    reasons: frozenset[Reason | None] = frozenset({Reason.COMPILE_ERROR})  # None: it compiles and runs
    language: Language = Language.C
    compile_time_s: float = 12.0
    said: tuple[bytes, ...] = ()  # in the compiler's messages
    unsaid: tuple[bytes, ...] = (b"root:x:0:0:root:/root:/bin/bash", b"daemon:")

    def __str__(self) -> str:
        return self.number


ERRORS = frozenset({Reason.COMPILE_ERROR})
MEMORY = frozenset({Reason.MEMORY_LIMIT})
TIME = frozenset({Reason.COMPILE_TIME_LIMIT})
BOMB = b"#define A0 x x x x x x x x x x\n" + b"".join(
    b"#define A%d %s\n" % (n, b" ".join([b"A%d" % (n - 1)] * 10)) for n in range(1, 10)
)
ROWS = [
    SourceRow(
        number="C1-templates", language=Language.CPP,
        source=b"template <int N> struct F { using a = typename F<N - 1>::a; using b = typename F<N + 100000>::b; };\n"
               b"F<0>::a x;\n" + MAIN,
        said=(b"instantiation depth",),
    ),
    SourceRow(
        number="C2-constexpr", language=Language.CPP, reasons=TIME, compile_time_s=1.5,
        source=b"template <int N> constexpr int f() { int x = N; for (int i = 0; i < 9000000; i++) x ^= i; return x; }"
               b"template <int N> struct S { static constexpr int v = f<N>() + S<N - 1>::v; };\n"
               b"template <> struct S<0> { static constexpr int v = 0; };\nint y = S<500>::v;\n" + MAIN,
    ),
    SourceRow(number="C3-zero", source=b'#include "/dev/zero"\n', reasons=MEMORY),
    SourceRow(number="C3-urandom", source=b'#include "/dev/urandom"\n', reasons=MEMORY | TIME | ERRORS),
    SourceRow(number="C4-passwd", source=b'#include "/etc/passwd"\n' + MAIN),
    SourceRow(number="C4-shadow", source=b'#include "/etc/shadow"\n' + MAIN, said=(b"No such file",)),
    SourceRow(number="C4-embed", source=b'const char s[] = {\n#embed "/etc/shadow"\n};\n' + MAIN),
    SourceRow(
        number="C4-has-include", said=(b"is absent",), unsaid=(b"is present",),
        source=b'#if __has_include("/etc/shadow")\n#error is present\n#else\n#error is absent\n#endif\n',
    ),
    SourceRow(number="C5-incbin", source=b'__asm__(".incbin \\"/etc/shadow\\"");\n' + MAIN, said=(b"file not found",)),
    SourceRow(number="C7-rept", source=b'__asm__(".rept 1000000000\\n.quad 0\\n.endr");\n' + MAIN, reasons=MEMORY),
    SourceRow(
        number="C8-array", source=b"char a[1UL << 33] = {1};\n" + MAIN,
        reasons=ERRORS | MEMORY | frozenset({Reason.DISK_LIMIT}),
    ),
    SourceRow(number="C9-macros", source=BOMB + b"int y[] = { A9 };\n", reasons=MEMORY | TIME),
    SourceRow(
        number="C10-errors", source=(b"#error " + b"e" * 10_000 + b"\n") * 600, compile_time_s=30,
        reasons=frozenset({Reason.OUTPUT_LIMIT}),
    ),
    SourceRow(
        number="C10-warnings", reasons=frozenset({Reason.OUTPUT_LIMIT}), compile_time_s=30,
        source=(b'_Pragma("GCC warning \\"' + b"w" * 10_000 + b'\\"")\n') * 600 + MAIN,
    ),
    SourceRow(number="C11-itself", source=b'#include "main.c"\n' + MAIN, said=(b"nested",)),
    SourceRow(number="C11-empty", source=b"", said=(b"main",)),
    SourceRow(number="C11-no-main", source=b"int x;\n", said=(b"main",)),
    SourceRow(number="C11-mark", source=b"\xef\xbb\xbf" + MAIN, reasons=frozenset({None})),
    SourceRow(number="C11-nul", source=b"\0" + MAIN + b"\0\0", reasons=ERRORS | frozenset({None})),
    SourceRow(number="C11-stdin", source=b'#include "/dev/stdin"\n' + MAIN, reasons=ERRORS | frozenset({None})),
]  # fmt: skip
