"""A model's parameters, as its weights' head says."""

from __future__ import annotations

from localfair.models import find_model, resolve
from localfair.models.adding import add
from localfair.models.parameters import parameters_of
from tests.lab import script


def test_a_folders_parameters_are_those_of_its_matrices(tiny_student, tmp_path):
    card = add(tiny_student, tmp_path)
    counted = parameters_of(resolve(card.name, tmp_path))
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_student)
    matrices = sum(each.numel() for each in model.parameters() if each.dim() > 1)
    assert counted == matrices


def test_a_script_has_those_that_it_says(tmp_path):
    rule = '[[rule]]\nwhen = ""\nreply = "x"\n'
    says = script(tmp_path, "says", f"parameters = 7\n{rule}")
    silent = script(tmp_path, "silent", rule)
    assert parameters_of(find_model(says, tmp_path)) == 7
    assert parameters_of(find_model(silent, tmp_path)) is None
