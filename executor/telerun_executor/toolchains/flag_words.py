"""The words of the allow-list of compiler flags, and why the best known of the others are not on it."""

from __future__ import annotations

import re


def _alternatives(text: str) -> str:
    """A pattern written over several lines, words apart, as one group."""
    return f"({'|'.join(text.split())})"


SHELL_SYNTAX = ";&|<>()*?~\"'!#{}[]"
"""What a shell takes for more than a letter, outside quotes."""

# --------------------------------------------------------------------------------------------------- gcc and clang

_F = _alternatives(
    r"""
    exceptions rtti char8_t permissive ms-extensions gnu89-inline freestanding hosted builtin(-[a-z0-9_]+)? concepts
    strict-[a-z-]+ wrapv(-pointer)? trapv (un)?signed-char short-enums common visibility-[a-z-]+ coroutines openmp
    openmp-simd openacc sized-deallocation aligned-new gnu-keywords extern-tls-init implicit-templates access-control
    fast-math finite-math-only math-errno unsafe-math-optimizations associative-math reciprocal-math signed-zeros
    trapping-math rounding-math signaling-nans honor-(nans|infinities) cx-(limited-range|fortran-rules) approx-func
    single-precision-constant fp-int-builtin-inexact inline(-[a-z-]+)? keep-inline-functions unroll(-all)?-loops
    peel-loops split-[a-z-]+ unswitch-loops version-loops[a-z-]* tree-[a-z-]+ vectorize slp-vectorize loop-[a-z-]+
    ipa-[a-z-]+ prefetch-loop-arrays omit-frame-pointer optimize-sibling-calls align-(functions|loops|jumps|labels)
    function-sections data-sections merge(-all)?-constants gcse(-[a-z]+)? if-conversion2? schedule-insns2? sched-[a-z-]+
    rename-registers reorder-[a-z-]+ defer-pop thread-jumps crossjumping forward-propagate ivopts modulo-sched web
    move-loop-(invariants|stores) partial-inlining devirtualize(-[a-z-]+)? expensive-optimizations code-hoisting
    delete-null-pointer-checks store-merging lto whole-program semantic-interposition plt pic PIC pie PIE
    stack-(protector(-all|-strong|-explicit)?|clash-protection|check|arrays) sanitize-address-use-after-scope
    non-call-exceptions (asynchronous-)?unwind-tables instrument-functions profile-(arcs|generate) test-coverage
    opt-info(-[a-z0-9]+)* verbose-asm sanitize-recover analyzer(-[a-z-]+)? diagnostics-[a-z-]+ show-column syntax-only
    time-report mem-report extended-identifiers elide-constructors elide-type threadsafe-statics use-cxa-atexit weak
    check-new enforce-eh-specs pretty-templates color-diagnostics caret-diagnostics eliminate-unused-debug-[a-z]+
    var-tracking(-[a-z-]+)? lifetime-dse live-range-shrinkage zero-initialized-in-bss toplevel-reorder operator-names
    """
)
_F_VALUED = _alternatives(
    r"""
    max-errors error-limit template-depth template-backtrace-limit inline-limit message-length tabstop abi-version
    constexpr-(depth|loop-limit|ops-limit|cache-depth|steps) align-(functions|loops|jumps|labels) visibility
    fp-contract fp-model excess-precision denormal-fp-math lto lto-partition cf-protection (no-)?sanitize
    (no-)?sanitize-recover trivial-auto-var-init (vect|simd)-cost-model openmp tls-model (input|exec)-charset
    diagnostics-color veclib stack-reuse strong-eval-order
    """
)
HOST = "|".join(
    (
        r"-O([0-3sgz]|fast)?|-g[0-3]?|-ggdb[0-3]?|-gdwarf(-[2-5])?|-g(line-tables-only|column-info)|-gz",
        r"-w|-W(?![alp]$)[A-Za-z][\w+=.-]*",  # no comma: what follows one is another program's
        r"-pedantic(-errors)?|-ansi",
        r"--?std=[a-z0-9+:]+|-stdlib=lib(std)?c\+\+",
        rf"-f(no-)?{_F}|-f{_F_VALUED}=[A-Za-z0-9_.,+-]+|-fuse-ld=(bfd|gold|lld|mold)",
        r"-m(?!llvm)[a-z0-9][A-Za-z0-9_.=+,-]*|-Rpass(-missed|-analysis)?(=[\w.*|()-]+)?",
        r"-p|-pg|--coverage|-pipe|-pthread|-rdynamic|-shared|-static(-libgcc|-libstdc\+\+|-pie)?|-s|-(no-)?pie|-v|-H",
        r"-nostd(lib|inc|inc\+\+)|-nodefaultlibs|-nostartfiles",
    )
)
"""What gcc and clang take as it is."""

_LINKER_WORDS = _alternatives(
    r"""
    (no-)?(as-needed|gc-sections|whole-archive|export-dynamic|undefined|demangle|copy-dt-needed-entries)
    (start|end)-group allow-multiple-definition (no-)?allow-shlib-undefined print-gc-sections strip-(all|debug)
    build-id(=\w+)? hash-style=\w+ icf=\w+ B(static|dynamic|symbolic) wrap=\w+ defsym=\w+=\w+ rpath(=.*)?
    (enable|disable)-new-dtags trace t s S E O[0-3] z
    """
)
_LINKER_VALUES = r"(no)?(now|relro|execstack|lazy|defs|text|muldefs|origin)|stack-size=\d+|\$ORIGIN(/[\w./-]*)?"
LINKER = re.compile(rf"--?{_LINKER_WORDS}|{_LINKER_VALUES}")

# ------------------------------------------------------------------------------------------------------------ nvcc

_NVCC_WORDS = _alternatives(
    r"""
    w disable-warnings v verbose g debug G device-debug lineinfo generate-line-info src-in-ptx source-in-ptx pg profile
    use_fast_math restrict extra-device-vectorization dlto dlink-time-opt lto m64 shared noeh no-exceptions
    (expt-)?extended-lambda expt-relaxed-constexpr (no|no-host-device-)(hdinitlist|initializer-list|move-forward)
    nohdmoveforward Wno-deprecated-(gpu-targets|declarations) W(reorder|default-stream-launch|missing-launch-bounds)
    Wext-lambda-captures-this res-usage resource-usage (no-)?display-error-number (no-)?err-no no-compress
    allow-unsupported-compiler forward-unknown-to-host-compiler forward-unknown-opts ewp extensible-whole-program
    keep-device-functions
    """
)
NVCC = rf"--?{_NVCC_WORDS}|-O[0-3]|-t\d+"
"""What nvcc takes as it is."""

NVCC_VALUED = _alternatives(
    r"""
    arch gpu-architecture code gpu-code std optimize dopt Ofast-compile Ofc maxrregcount default-stream cudart cudadevrt
    machine m ftz prec-div prec-sqrt fmad rdc relocatable-device-code t threads split-compile opt-info jtd sanitize
    diag-(suppress|warn|error) Werror device-entity-has-hidden-visibility jump-table-density device-stack-protector
    compress-mode ftemplate-(depth|backtrace-limit) brief-diag(nostics)?
    """
)
"""Of nvcc, with one dash or two, and a value without paths."""

NVCC_FORWARDS = re.compile(r"--?forward-unknown-(to-host-compiler|opts)")

_PTXAS_WORDS = _alternatives(
    r"""
    v verbose w disable-warnings O[0-4] opt-level=[0-4] Werror lineinfo generate-line-info g device-debug
    warn-(on-)?(spills|local-memory-usage|lmem-usage|double-usage) suppress-[a-z-]+-warning maxrregcount=\d+
    (allow-expensive-optimizations|fmad|disable-optimizer-constants|position-independent-code)(=(true|false))?
    (dlcm|dscm|flcm|fscm|(def|force)-(load|store)-cache)=\w+ register-usage-level=\d+ sp-bounds-check
    """
)
PTXAS = re.compile(f"--?{_PTXAS_WORDS}")
CUDAFE = re.compile(r"--?(diag_(suppress|warning|error|default)=\w+|display_error_number|no_warnings)|-w")
FATBIN = re.compile(r"--?compress-all|--?compress=(true|false)")

# --------------------------------------------------------------------------------------------------------- reasons

_REASONS = tuple(
    (re.compile(_alternatives(patterns), re.DOTALL), why)
    for patterns, why in (
        (r"@.* --?(options-file|optf).*", "it reads further flags from a file"),
        (
            r"-f(no-)?(plugin|pass-plugin).* -iplugindir.* -Xclang.* -mllvm.* -load.*",
            "it can load a stranger's code into the compiler",
        ),
        (
            r"""-B.* --?specs.* -wrapper.* -fuse-ld.* -fmodule-mapper.* --sysroot.* -isysroot.* --?gcc-toolchain.*
            --?(ccbin|compiler-bindir|arbin|archiver-binary|ldir|libdevice-directory|target-dir).* -nodlink
            --?(use-local-env|(input-|dependency-)?drive-prefix|idp|ddp|dp|noprof|dont-use-profile|qpp-config).*""",
            "it replaces parts of the compiler",
        ),
        (r"--?run(-args)?(=.*)?", "the executor runs the program, not the compiler"),
        (
            r"-W[alp],.* -X.* --?(linker|nvlink|archive|compiler|ptxas|fatbin)-options.* -T.* -A.* --?for-.*",
            "what it hands on to another program is not passed on",
        ),
        (
            r"""-o.* --?output-.* -odir.* -[cSE] -M.* --?(keep|save-temps|time)(-.*|=.*)? -d[A-Z] -f?dump.* -aux-info.*
            --?(ptx|cubin|fatbin|ltoir|optix-ir|lib|link|cuda|dc|dw|dlink|device-[cw]|device-link|compile|preprocess|dryrun)
            --?(generate|gen)-.* -fprofile-.* -fcallgraph-info.* -fstack-usage -fdiagnostics-.* -ftime-trace.*""",
            "what is made, and where it is written, is the executor's own choice",
        ),
    )
)


def reason_against(flag: str) -> str | None:
    """Why a flag is not on the list, where that can be said in a few words."""
    return next((why for pattern, why in _REASONS if pattern.fullmatch(flag)), None)
