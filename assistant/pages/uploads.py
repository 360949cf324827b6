"""What the documents page is sent: a form with a file, or a pasted text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from accounts.models import User
from assistant.documents import LARGEST_DOCUMENT, add_document
from assistant.exceptions import QuotaUsedUp, TooLarge
from assistant.pages.forms import PasteForm, UploadForm, sentence
from assistant.pages.sizes import size_words
from assistant.rest.parsers import AsTheyCame, InMemory
from assistant.schema import DocumentState
from assistant.uploads import checked_name, checked_text


class Beginning(InMemory):
    """A file, or enough of one that is too large to see that it is: it is refused when the form is known to be the
    site's own, and not before."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002  # Django's signature
        """Keep a part."""
        if self._size <= LARGEST_DOCUMENT:
            self._size += len(raw_data)
            self._parts.append(bytes(raw_data))


class AsItCame(FileUploadHandler):
    """Reads a form with a file as the API does: in memory, and under the name that the file was sent with."""

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Mapping[str, Any],  # noqa: N803  # Django's signature
        content_length: int,  # noqa: ARG002  # Django's signature
        boundary: str,  # noqa: ARG002  # Django's signature
        encoding: str | None = None,  # noqa: ARG002  # Django's signature
    ) -> Any:  # noqa: ANN401  # fields and files
        """Fields and files. Raises MultiPartParserError, which is a 400."""
        body: Any = input_data
        return AsTheyCame(dict(META), body, [Beginning(self.request)], "utf-8").parse()


class Refused(Exception):
    """A document that is not kept. The form says why, and `status` what kind of refusal it is."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def add_file(request: HttpRequest, user: User, form: UploadForm) -> DocumentState:
    """Keep the file of a form. Raises Refused with errors in `form`, and NotThere when the user is gone."""
    files: list[Any] = request.FILES.getlist("file")
    if len(files) != 1:
        form.add_error("file", "Choose one file at a time." if files else "Choose a file first.")
        raise Refused(400)
    return _add(user, form, given={"name": files[0].name, "text": files[0].content}, fields=("file", "file"))


def add_text(user: User, form: PasteForm) -> DocumentState:
    """Keep the text of a form that is filled in. Raises Refused with errors in `form`, and NotThere when the user is
    gone."""
    if not form.is_valid():
        raise Refused(400)
    return _add(user, form, given=form.cleaned_data, fields=("name", "text"))


def _add(
    user: User, form: UploadForm | PasteForm, *, given: Mapping[str, Any], fields: tuple[str, str]
) -> DocumentState:
    name_field, text_field = fields
    kept: dict[str, str] = {}
    try:
        for part, check, field in (("name", checked_name, name_field), ("text", checked_text, text_field)):
            try:
                kept[part] = check(given[part])
            except ValidationError as error:
                form.add_error(field, [sentence(text) for text in error.messages])
        if form.errors:
            raise Refused(400)
        return add_document(user.pk, **kept)
    except TooLarge as error:
        form.add_error(text_field, f"A document may have {size_words(error.most)} at most.")
        raise Refused(413) from None
    except QuotaUsedUp as error:
        form.add_error(None, error.detail)
        raise Refused(409) from None
