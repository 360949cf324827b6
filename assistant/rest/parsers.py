"""Documents as browsers send them: multipart/form-data (RFC 7578)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles

from assistant.documents import LARGEST_DOCUMENT
from assistant.exceptions import TooLarge


@dataclass(frozen=True)
class Upload:
    """A file as it came: its name is the client's, unchanged, so that it can be judged."""

    name: str
    content: bytes

    def close(self) -> None:
        """Django closes what was uploaded; there is nothing to close."""


class InMemory(FileUploadHandler):
    """Files of the size of a document, in memory: nothing is ever written to a disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """See FileUploadHandler."""
        super().new_file(*args, **kwargs)
        self._parts: list[bytes] = []
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002  # Django's signature
        """Keep a part. Raises TooLarge."""
        self._size += len(raw_data)
        if self._size > LARGEST_DOCUMENT:
            raise TooLarge(LARGEST_DOCUMENT)
        self._parts.append(bytes(raw_data))

    def file_complete(self, file_size: int) -> Any:  # noqa: ANN401, ARG002  # Django's signature
        """The file."""
        return Upload(name=str(self.file_name), content=b"".join(self._parts))


class AsTheyCame(MultiPartParser):
    """Django's parser, which would cut names like ../../etc/passwd.txt in silence."""

    def sanitize_file_name(self, file_name: str) -> str:
        """The name as the client sent it."""
        return file_name


class UploadParser(BaseParser):
    """A form with files, each of the size of a document at most."""

    media_type = "multipart/form-data"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles[Any, Any]:
        """Fields and files. Raises ParseError and TooLarge."""
        request = (parser_context or {})["request"]
        meta = {**request.META, "CONTENT_TYPE": media_type}
        try:
            body: Any = stream
            fields, files = AsTheyCame(meta, body, [InMemory(request)], "utf-8").parse()
        except (MultiPartParserError, SuspiciousOperation):
            raise ParseError("The body is not a form with a file.") from None
        return DataAndFiles(fields, files)
