"""The pages' forms. What may be sent is said by the serializers of the REST routes, and nowhere else."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from accounts.rest.changes import ChangeSerializer
from assistant.documents import LARGEST_DOCUMENT
from assistant.models.document import LONGEST_DOCUMENT_NAME
from assistant.models.persona import LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_PROMPT
from assistant.models.preference import HIGHEST_TEMPERATURE
from assistant.pages.choices import Group
from assistant.rest.personas import PersonaFields
from assistant.rest.preferences import PreferenceFields


class LinesField(forms.CharField):
    """Text of several lines, as it was typed: browsers send CRLF for each line end."""

    def __init__(self, *, rows: int, longest: int, **kwargs: Any) -> None:
        super().__init__(strip=False, widget=forms.Textarea(attrs={"rows": rows, "maxlength": longest}), **kwargs)

    def to_python(self, value: Any) -> str:  # noqa: ANN401  # Django's signature
        """With LF for each line end."""
        return str(super().to_python(value) or "").replace("\r\n", "\n")


class RuledForm(forms.Form):
    """A form whose values `rules` judges."""

    rules: ClassVar[type[ChangeSerializer]]

    def clean(self) -> dict[str, Any]:
        """What the rules make of the values."""
        given = self.rules(data=dict(self.cleaned_data))
        if given.is_valid():
            return dict(given.validated_data)
        for name, texts in given.errors.items():
            if name not in self.errors:
                self.add_error(name, [sentence(text) for text in texts])
        return self.cleaned_data


class PersonaForm(RuledForm):
    """What a persona is to be."""

    rules = PersonaFields

    name = forms.CharField(widget=forms.TextInput(attrs={"maxlength": LONGEST_NAME, "autocomplete": "off"}))
    description = forms.CharField(
        required=False,
        help_text="One line that says what it is good for.",
        widget=forms.TextInput(attrs={"maxlength": LONGEST_DESCRIPTION, "autocomplete": "off"}),
    )
    system_prompt = LinesField(
        label="Instructions",
        required=False,
        rows=7,
        longest=LONGEST_PROMPT,
        help_text="What the model is told before anything else, as in “You are a patient tutor. Explain step by step.”",
    )
    is_active = forms.BooleanField(label="Active", required=False, initial=True)


class PreferenceForm(RuledForm):
    """What one wants where a conversation does not say otherwise."""

    rules = PreferenceFields

    persona_id = forms.TypedChoiceField(label="Persona", required=False, coerce=int, empty_value=None)
    temperature = forms.FloatField(
        min_value=0,
        max_value=HIGHEST_TEMPERATURE,
        help_text="0 answers alike each time, 2 as differently as can be.",
        widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
    )
    use_documents = forms.BooleanField(label="Use my documents", required=False)

    def __init__(self, *args: Any, groups: tuple[Group, ...], temperature: float, **kwargs: Any) -> None:
        """`groups` are the personas to choose from, `temperature` is the one before: the API sets finer ones, which a
        browser would round."""
        super().__init__(*args, **kwargs)
        self.fields["temperature"].widget.attrs["step"] = "0.1" if round(temperature, 1) == temperature else "any"
        field = self.fields["persona_id"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [
            ("", "No persona"),
            *((name, [(each.id, each.name) for each in group]) for name, group in groups),
        ]


class PasteForm(forms.Form):
    """A text, and what it is called as a document. `assistant.uploads` judges both."""

    name = forms.CharField(
        help_text="It ends in .txt or .md, as in “recipes.md”.",
        widget=forms.TextInput(
            attrs={"maxlength": LONGEST_DOCUMENT_NAME, "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    text = LinesField(rows=8, longest=LARGEST_DOCUMENT)


class UploadForm(forms.Form):
    """A file. What it is, `assistant.uploads` judges; a browser fills it in anew each time."""

    file = forms.FileField(
        required=False,
        label="A .txt or .md file",
        widget=forms.FileInput(attrs={"accept": ".txt,.md,text/plain,text/markdown"}),
    )


def sentence(text: str) -> str:
    """A refusal as people read it: `must end in .md` is `Must end in .md.`"""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")
