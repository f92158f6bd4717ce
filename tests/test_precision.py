"""Steps multiply in the format that pays, and validation in true float32."""

import pytest
import torch

from onward.training.precision import WORTHWHILE, Precision, choose, fastest_float32

CPU = torch.device("cpu")


@pytest.fixture
def cpu_with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})


@pytest.mark.usefixtures("cpu_with_bfloat16")
def test_large_steps_are_bfloat16_where_the_processor_multiplies_it() -> None:
    assert choose("auto", CPU, WORTHWHILE).name == "bf16"
    assert choose("auto", CPU, WORTHWHILE - 1).name == "fp32"


@pytest.mark.usefixtures("cpu_with_bfloat16")
def test_the_config_has_the_last_word() -> None:
    assert choose("fp32", CPU, WORTHWHILE).name == "fp32"
    assert choose("bf16", CPU, 1).name == "bf16"


def test_an_older_processor_stays_with_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False})
    chosen = choose("auto", CPU, WORTHWHILE)
    assert chosen == Precision("fp32", "this cpu does not multiply bfloat16")


def test_a_step_multiplies_what_its_precision_says() -> None:
    a = torch.ones(2, 2)
    with Precision("bf16", "").step(CPU):
        assert (a @ a).dtype == torch.bfloat16
    with Precision("fp32", "").step(CPU):
        assert (a @ a).dtype == torch.float32


def test_weights_that_change_between_steps_are_converted_anew() -> None:
    weight, one = torch.ones(1, 1, requires_grad=True), torch.ones(1, 1)
    precision = Precision("bf16", "")
    with precision.step(CPU):
        assert (one @ weight).item() == 1
        weight.data += 1
        assert (one @ weight).item() == 2


def test_the_fast_kernels_keep_float32_and_leave_torch_as_it_was() -> None:
    before = torch.get_float32_matmul_precision()
    a, b = torch.randn(2, 512, 512, generator=torch.Generator().manual_seed(1))
    exact = a.double() @ b.double()

    with fastest_float32(CPU):
        got = a @ b

    torch.testing.assert_close(got.double(), exact, rtol=0, atol=1e-4)
    assert torch.get_float32_matmul_precision() == before


def test_kernels_that_round_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onward.training.precision.EXACT", 0.0)  # no kernel is that exact
    with fastest_float32(CPU):
        assert torch.get_float32_matmul_precision() == "highest"
