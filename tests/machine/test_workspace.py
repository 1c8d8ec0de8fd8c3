"""Which folder the user works in, and where the files that ship with localfair lie."""

import pytest

from localfair.errors import UsageError
from localfair.machine.workspace import packaged_dir, workspace_dir


def test_the_workspace_is_the_folder_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(tmp_path / "mine"))
    assert workspace_dir() == tmp_path / "mine"


@pytest.mark.parametrize("named", [None, ""])
def test_without_one_it_is_the_current_folder(tmp_path, monkeypatch, named):
    monkeypatch.delenv("LOCALFAIR_WORKSPACE", raising=False)
    if named is not None:
        monkeypatch.setenv("LOCALFAIR_WORKSPACE", named)
    monkeypatch.chdir(tmp_path)
    assert workspace_dir() == tmp_path


def test_a_workspace_is_absolute_and_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", "~/lab")
    assert workspace_dir() == tmp_path / "lab"


def test_a_workspace_that_leads_nowhere_is_a_line(tmp_path, monkeypatch):
    (tmp_path / "circle").symlink_to("circle")
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", str(tmp_path / "circle"))
    with pytest.raises(UsageError, match="which leads nowhere"):
        workspace_dir()


def test_a_user_that_is_not_there_has_no_home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOCALFAIR_WORKSPACE", "~nobody-of-this-name/lab")
    assert workspace_dir() == tmp_path / "~nobody-of-this-name" / "lab"


@pytest.mark.parametrize(("kind", "file"), [("recipes", "fair/recipe.toml"), ("models", "*.toml")])
def test_recipes_and_model_cards_are_found(kind, file):
    assert list(packaged_dir(kind).glob(file))
