"""What `localfair doctor` says of the libraries: which can be imported, and whether the native ones
work on this processor and GPU.

Reads localfair's own metadata and constraints.txt; every library is imported in a process of its
own, since one that was built for another machine crashes. Writes nothing.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from localfair.machine.hardware import CPUINFO, cpu_flags, usual_precision
from localfair.machine.terminal import one_line
from localfair.machine.workspace import PACKAGE
from localfair.pipeline.doctor_check import (
    LOADING,
    Answer,
    Check,
    Examination,
    Interpreter,
    ProbeFailed,
    fail,
    ok,
    warn,
)
from localfair.pipeline.doctor_machine import has_nvidia

EXTRAS = ("train", "llama", "xllamacpp", "vllm")
CONSTRAINTS = PACKAGE.parent / "constraints.txt"
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)([^;]*)(?:;.*extra == ['\"](\w+)['\"])?")
MODULES = {"llama-cpp-python": "llama_cpp"}  # where `-` for `_` is not all that differs
MOST_4BIT = 0.15  # of the weights that NF4 may lose; it loses 0.09 (bitsandbytes 0.50)
MOST_ROUNDING = 0.02  # of a product that bf16 may lose; it loses 0.003

# what llama.cpp calls a feature of the processor -> what /proc/cpuinfo calls it
FEATURES = {
    "SSE3": "pni",
    "SSSE3": "ssse3",
    "AVX": "avx",
    "AVX2": "avx2",
    "F16C": "f16c",
    "FMA": "fma",
    "BMI2": "bmi2",
    "AVX_VNNI": "avx_vnni",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AMX_INT8": "amx_int8",
}
NEEDED = ("AVX2", "F16C", "FMA")  # a build without them is several times slower


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package that localfair names. `least` is the version it must have, `extra` empty for all."""

    package: str
    least: str
    extra: str = ""

    @property
    def module(self) -> str:
        """What is imported of it."""
        return MODULES.get(self.package, self.package.replace("-", "_"))


def requirements(lines: Iterable[str]) -> list[Requirement]:
    """The packages of requirement lines (PEP 508), as a distribution's metadata holds them."""
    named = []
    for line in lines:
        match = REQUIREMENT.match(line)
        assert match is not None
        package, wanted, extra = match.groups()
        least = re.search(r">=\s*([\d.]+)", wanted)
        named.append(Requirement(package, least[1] if least else "0", extra or ""))
    return named


def tested_versions(constraints: Path) -> dict[str, str]:
    """Package -> the version that was tested; empty for an installed copy, which has no such file."""
    if not constraints.is_file():
        return {}
    lines = [line for line in constraints.read_text().splitlines() if "==" in line]
    return dict(line.split("==", 1) for line in lines)


def packages(examination: Examination, stated: Iterable[str] | None = None) -> Iterator[Check]:
    """Each extra's packages, and the base's as one.

    `stated` are localfair's requirement lines, its own metadata's when left out.
    """
    try:
        lines = importlib.metadata.requires("localfair") or [] if stated is None else stated
    except importlib.metadata.PackageNotFoundError:
        yield warn("packages", "localfair itself is not installed", "pip install localfair")
        return
    named = requirements(lines)
    tested = tested_versions(CONSTRAINTS)
    base = [requirement for requirement in named if not requirement.extra]
    yield _base(base, imported(examination.interpreter, [r.module for r in base]))
    for extra in EXTRAS:
        wanted = [requirement for requirement in named if requirement.extra == extra]
        answers = imported(examination.interpreter, [r.module for r in wanted])
        for requirement in wanted:
            answer = answers[requirement.module]
            yield package(requirement, answer, tested.get(requirement.package))


def imported(interpreter: Interpreter, modules: list[str]) -> dict[str, Answer]:
    """What became of importing each module; one that crashes does not keep the others from it."""
    answers: dict[str, Answer] = {}
    left = list(modules)
    while left:
        reason = "it gave no answer"
        try:
            lines = interpreter.ask("imports", *left, seconds=LOADING)
        except ProbeFailed as failed:
            lines = list(failed.answers)
            reason = failed.reason
        answers |= {line["module"]: line for line in lines if "module" in line}
        left = [module for module in left if module not in answers]
        if left:
            answers[left.pop(0)] = {"error": reason}
    return answers


def _base(wanted: list[Requirement], answers: dict[str, Answer]) -> Check:
    """One line for what localfair cannot do without."""
    checks = [package(requirement, answers[requirement.module]) for requirement in wanted]
    wrong = [check for check in checks if check.status != "ok"]
    if not wrong:
        return ok("package base", f"all {len(checks)} can be imported")
    problems = [f"{check.name.removeprefix('package ')}: {check.finding}" for check in wrong]
    return fail("package base", "; ".join(problems), "pip install --force-reinstall localfair")


def package(requirement: Requirement, answer: Answer, tested: str | None = None) -> Check:
    """A package by what became of importing it, beside the version needed and the one tested."""
    name = f"package {requirement.package}"
    target = f"'localfair[{requirement.extra}]'" if requirement.extra else "localfair"
    if answer.get("missing"):
        return warn(name, "not installed", f"pip install {target}, if you want it")
    if "error" in answer:
        return fail(
            name,
            f"cannot be imported: {one_line(answer['error'])}",
            f"build it for this machine: pip install --force-reinstall {target}",
        )
    version = answer["version"]
    if version is None:
        return ok(name, "imported; it states no version")
    if _numbers(version) < _numbers(requirement.least):
        return fail(
            name,
            f"{version}, and at least {requirement.least} is needed",
            f"pip install --upgrade {target}",
        )
    beside = f"; tested with {tested}" if tested else ""
    return ok(name, f"{version} (at least {requirement.least}{beside})")


def _numbers(version: str) -> tuple[int, ...]:
    """A version's numbers without the zeros at its end: 2.13.0+cpu is (2, 13)."""
    match = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


# -- llama.cpp ------------------------------------------------------------------------------------


def llama_builds(examination: Examination) -> Iterator[Check]:
    """How each llama.cpp that is installed was built, beside what the processor has."""
    flags = cpu_flags(CPUINFO)
    for probe, package_name in (("llama", "llama-cpp-python"), ("xllamacpp", "xllamacpp")):
        name = f"llama.cpp of {package_name}"
        try:
            answer = examination.interpreter.ask_once(probe)
        except ProbeFailed as failed:
            if not failed.missing:
                hint = f"pip install --force-reinstall --no-cache-dir {package_name}"
                yield fail(name, f"does not load: {failed.reason}", hint)
            continue
        yield llama_build(name, answer, flags, has_nvidia())


def llama_build(name: str, answer: Answer, flags: Collection[str] | None, nvidia: bool) -> Check:
    """A llama.cpp by its own account, on a processor with these flags."""
    built = set(re.findall(r"(\w+) = 1", answer["info"]))
    finding = f"loads; built with {', '.join(sorted(built)) or 'no feature that it names'}"
    if flags is None or "pni" not in flags:
        return ok(name, finding)  # not an x86 processor, or one that nobody can ask
    has = {feature for feature, flag in FEATURES.items() if flag in flags}
    lacking = sorted(built & set(FEATURES) - has)
    if lacking:
        return fail(
            name,
            f"built for {', '.join(lacking)}, which this processor lacks: it will crash",
            "build it here: pip install --force-reinstall --no-binary :all: llama-cpp-python",
        )
    unused = [feature for feature in NEEDED if feature in has - built]
    if unused:
        return warn(
            name,
            f"built without {', '.join(unused)}, which this processor has: several times slower",
            "build it here: pip install --force-reinstall --no-binary :all: llama-cpp-python",
        )
    if nvidia and not answer["gpu"]:
        return warn(
            name,
            f"{finding}; without CUDA: the GPU stays idle",
            "CMAKE_ARGS=-DGGML_CUDA=on pip install --force-reinstall llama-cpp-python",
        )
    return ok(name, finding)


# -- the GPU, and 4-bit layers --------------------------------------------------------------------


def gpu(
    examination: Examination, tool: str | None = None, nvidia: bool | None = None
) -> Iterator[Check]:
    """What the driver says of the GPUs. `tool` is nvidia-smi, looked for when left out."""
    tool = tool or shutil.which("nvidia-smi")
    nvidia = has_nvidia() if nvidia is None else nvidia
    if tool is None and not nvidia:
        yield ok("gpu", "no NVIDIA GPU: everything runs on the processor")
        return
    if tool is None:
        yield warn("gpu", "an NVIDIA device without nvidia-smi", "install the driver's tools")
        return
    command = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)  # noqa: S603 - a list of arguments, no shell
    except (OSError, subprocess.SubprocessError) as error:
        yield fail("gpu", f"nvidia-smi does not answer ({error})", "repair the driver, or reboot")
        return
    devices = [one_line(line) for line in done.stdout.splitlines() if line.strip()]
    if done.returncode == 0 and devices:
        yield ok("gpu", "; ".join(devices))
    elif nvidia:
        reason = one_line(done.stdout.strip() or done.stderr.strip() or "it names no device")
        yield fail("gpu", f"nvidia-smi: {reason}", "repair the driver, or reboot")
    else:
        yield ok("gpu", "no NVIDIA GPU, though nvidia-smi is here: all runs on the processor")


def cuda(examination: Examination) -> Iterator[Check]:
    """Whether torch computes on the GPU."""
    try:
        answer = examination.interpreter.ask_once("cuda", seconds=LOADING)
    except ProbeFailed as failed:
        yield _unprobed("cuda", failed, "torch")
        return
    yield cuda_by(answer, has_nvidia())


def cuda_by(answer: Answer, nvidia: bool) -> Check:
    """What torch's answer means on a machine with an NVIDIA device, or without."""
    built = answer["built"]
    if answer["works"]:
        finding = f"CUDA {built}, {answer['name']}, compute capability {answer['capability']}"
        if not answer["product"] <= MOST_ROUNDING:
            return fail(
                "cuda",
                f"{finding}: a bf16 product is wrong by {answer['product']:.2g}",
                "the GPU or its driver computes wrongly: do not train here",
            )
        return ok("cuda", f"{finding}, a bf16 product is right")
    if not nvidia:
        return ok("cuda", f"torch {answer['torch']} on the processor; there is no GPU")
    if built is None:
        return warn(
            "cuda",
            f"torch {answer['torch']} was built without CUDA: the GPU stays idle",
            "install torch's build for your CUDA (pytorch.org/get-started)",
        )
    return fail(
        "cuda",
        f"torch was built for CUDA {built} and cannot use the GPU: {one_line(answer['why'])}",
        "a newer driver, or torch's build for this one; is CUDA_VISIBLE_DEVICES empty?",
    )


def four_bit(examination: Examination) -> Iterator[Check]:
    """Whether bitsandbytes multiplies 4-bit weights, and gives gradients, where training runs."""
    compute = usual_precision()
    try:
        answer = examination.interpreter.ask_once("four_bit", compute, seconds=LOADING)
    except ProbeFailed as failed:
        yield _unprobed("4-bit layers", failed, "torch", "bitsandbytes")
        return
    yield four_bit_by(answer, compute)


def four_bit_by(answer: Answer, compute: str) -> Check:
    """What the relative errors of a 4-bit layer mean."""
    limits = {"weights": MOST_4BIT, "product": MOST_ROUNDING, "gradient": MOST_ROUNDING}
    where = f"NF4 on {answer['device']} in {compute}"
    # a number that is none is wrong as well
    wrong = [name for name, most in limits.items() if not answer[name] <= most]
    if wrong:
        errors = ", ".join(f"{name} by {answer[name]:.2g}" for name in wrong)
        return fail(
            "4-bit layers",
            f"{where}: wrong {errors}",
            "do not train here; another version of bitsandbytes may do better",
        )
    return ok("4-bit layers", f"{where}: a product and its gradient are right")


def _unprobed(name: str, failed: ProbeFailed, *needed: str) -> Check:
    """A check that could not be made: a package is missing, or it crashed."""
    if failed.missing in needed:
        return warn(
            name, f"not tried: no {failed.missing}", "pip install 'localfair[train]', to train here"
        )
    return fail(name, failed.reason, "pip install --force-reinstall 'localfair[train]'")
