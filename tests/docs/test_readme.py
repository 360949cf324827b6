"""What the documents show works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from dotenv import dotenv_values

from cache_platform import conf
from cache_platform.checks import KNOWN
from cache_platform.invalidation import declarations, forget
from cache_platform.policies import CachePolicy, registry
from config.environment import BASE_DIR, Environment

README = (BASE_DIR / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [BASE_DIR / "README.md", *sorted((BASE_DIR / "docs").rglob("*.md"))]


def test_the_example_of_the_readme_runs() -> None:
    """Copied as it stands."""
    examples = re.findall(r"<!-- example.*?-->\n```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 3
    names: dict[str, object] = {}
    try:
        exec(compile("\n".join(examples), "README.md", "exec"), names)
        assert names["profile"] == names["load_profile"](42)  # type: ignore[operator]
        assert ("user:{pk}",) in [each.templates for each in declarations(get_user_model()._meta.db_table)]
    finally:
        registry.unregister("people.profile")
        forget(get_user_model(), "user:{pk}")


def test_all_packages_of_the_app_are_distributed() -> None:
    """What pip installs has its migrations and commands."""
    listed = tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    there = {
        ".".join(path.parent.relative_to(BASE_DIR).parts) for path in (BASE_DIR / "cache_platform").rglob("__init__.py")
    }
    assert set(listed) == there


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """Relative links name files that are there."""
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_every_variable_is_in_the_example_file() -> None:
    """.env.example lists what the site reads, and nothing else."""
    lines = (BASE_DIR / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = {line.partition("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    ttls = {f"CACHE_TTL_{policy.name.upper().replace('.', '_')}" for policy in registry}
    assert listed == {name.upper() for name in Environment.model_fields} | ttls


def test_the_example_file_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied to .env as it stands, with its remarks, it gives the defaults."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    defaults = Environment()
    for name, value in dotenv_values(BASE_DIR / ".env.example").items():
        monkeypatch.setenv(name, value or "")
    assert Environment() == defaults
    assert all(policy.effective_ttl == policy.ttl for policy in registry)


def test_every_field_of_a_policy_is_in_the_guide() -> None:
    """The guide's table is complete."""
    guide = (BASE_DIR / "docs/guides/policies.md").read_text(encoding="utf-8")
    for field in CachePolicy.__dataclass_fields__:
        assert field == "description" or f"`{field}`" in guide, field


def test_every_setting_is_in_the_operations_guide() -> None:
    """And every setting that the checks know is a property."""
    guide = (BASE_DIR / "docs/operations.md").read_text(encoding="utf-8")
    for name in KNOWN:
        assert f"`{name}`" in guide, name
        assert hasattr(conf.conf, name.lower()), name
