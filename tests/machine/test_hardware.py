"""Which precision a machine multiplies fast, from its processor's flags and the devices it has."""

import pytest

from localfair.machine import hardware as processor


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of this kind, flags and devices."""

    def made(kind="x86_64", flags="sse2 avx2", device=False):
        cpuinfo, nvidia = tmp_path / "cpuinfo", tmp_path / "nvidiactl"
        cpuinfo.write_text(f"model name : x\nflags : {flags}\n")
        if device:
            nvidia.touch()
        monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
        monkeypatch.setattr(processor, "NVIDIA", (nvidia,))
        monkeypatch.setattr("platform.machine", lambda: kind)
        return processor.usual_precision.__wrapped__()

    return made


@pytest.mark.parametrize(
    ("options", "precision"),
    [
        ({}, "fp32"),
        ({"flags": "sse2 avx2 avx512f avx512bw"}, "bf16"),
        ({"device": True}, "bf16"),
        ({"kind": "aarch64", "flags": ""}, "bf16"),
    ],
)
def test_only_an_x86_processor_without_avx512_and_gpu_computes_in_fp32(machine, options, precision):
    assert machine(**options) == precision


def test_a_run_takes_it_unless_it_is_told_another_and_the_adapter_says_so(lab, monkeypatch):
    from localfair.committee.seating import Options

    assert Options().precision == processor.usual_precision()
    assert Options(precision="nf4").precision == "nf4"
    monkeypatch.setattr("localfair.stages.train_plan.usual_precision", lambda: "fp32")
    lab.run("answers-only", settings=("train.epochs=1",), teachers=())
    assert '"compute":"fp32"' in lab.rows("SELECT settings FROM adapters")[0]["settings"].replace(
        ": ", ":"
    )
