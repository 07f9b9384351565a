"""Reads documents from a request: JSON with text, an address or an upload, one or a list, or a form with files."""

from __future__ import annotations

import json
import uuid
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile

from anima.kernel import http
from anima.kernel.errors import BadInput, FieldError
from anima.knowledge.documents_model import NewDocument
from anima.knowledge.errors import OneSource

MAX_FILES = 100
_NO_SOURCE = FieldError("text", "the text of the document, or `uri`, or `upload`")
_EXAMPLE: dict[str, Any] = {
    "title": "House rules",
    "text": "Breakfast is served from seven to ten. Olives are never served.",
    "source_uri": "https://example.org/rules",
    "purpose": "context",
    "metadata": {"language": "en"},
}


class NewDocumentBody(http.Body):
    """A document to be brought in: by its text, its address, or an upload. Files come as multipart/form-data, too."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})
    title: str | None = Field(None, min_length=1, max_length=1000, description="Not given: its first line")
    text: str | None = Field(None, description="The document: plain text, Markdown or HTML")
    uri: str | None = Field(None, max_length=4000, description="A public http(s) address that it is fetched from")
    upload: uuid.UUID | None = Field(None, description="The upload_id of a file that came by POST /uploads")
    source_uri: str | None = Field(None, max_length=4000, description="Where it comes from, for citations")
    doc_type: str | None = Field(
        None, min_length=1, max_length=100, description="text, markdown, html, csv, pdf, or a label of your own"
    )
    purpose: str = Field("context", min_length=1, max_length=100, description="Purpose of the store to put it in")
    metadata: dict[str, Any] = Field(default_factory=dict, description="What a search can filter by")


class _Fields(http.Body):
    """The fields of a form beside its files."""

    title: str | None = Field(None, min_length=1, max_length=1000)
    source_uri: str | None = Field(None, max_length=4000)
    doc_type: str | None = Field(None, min_length=1, max_length=100)
    purpose: str = Field("context", min_length=1, max_length=100)
    metadata: dict[str, Any] = Field(default_factory=dict)


_MANY = TypeAdapter(Annotated[list[NewDocumentBody], Field(min_length=1, max_length=MAX_FILES)])
_ONE = NewDocumentBody.model_json_schema()
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"oneOf": [_ONE, {"type": "array", "items": _ONE, "minItems": 1, "maxItems": MAX_FILES}]},
            "example": _EXAMPLE,
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "One file, or several"},
                    "title": {"type": "string"},
                    "source_uri": {"type": "string"},
                    "doc_type": {"type": "string"},
                    "purpose": {"type": "string", "default": "context"},
                    "metadata": {"type": "string", "description": "A JSON object"},
                },
            },
            "example": {"file": "rules.md", "purpose": "context"},
        },
    },
}


class Sent(list[NewDocument]):
    """The documents of a request; `single` says that one was sent, not a list of one."""

    single: bool = True


async def _sent(request: Request) -> Sent:
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        async with request.form(max_files=MAX_FILES, max_fields=20) as form:
            return await _from_form(form)
    if media_type != "application/json":
        raise BadInput(reason="a document comes as application/json or multipart/form-data")
    return _from_json(await request.body())


Documents = Annotated[Sent, Depends(_sent)]


def _from_json(body: bytes) -> Sent:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput(reason="the body is not JSON", fields=[FieldError("body", "a JSON object or list")]) from None
    try:
        read = _MANY.validate_python(data) if isinstance(data, list) else [NewDocumentBody.model_validate(data)]
    except ValidationError as error:
        raise _invalid(error) from None
    sent = Sent(map(_from_body, read))
    sent.single = not isinstance(data, list)
    return sent


def _from_body(body: NewDocumentBody) -> NewDocument:
    given = [name for name in ("text", "uri", "upload") if getattr(body, name) is not None]
    if len(given) != 1:
        raise OneSource(fields=[FieldError(name, "this or another, not both") for name in given] or [_NO_SOURCE])
    try:
        content = None if body.text is None else body.text.encode()
    except UnicodeEncodeError:
        raise BadInput(reason="the text is not valid Unicode", fields=[FieldError("text", "Unicode")]) from None
    return NewDocument(
        content,
        body.title,
        body.source_uri,
        body.doc_type,
        body.purpose,
        body.metadata,
        uri=body.uri,
        upload=body.upload,
    )


async def _from_form(form: FormData) -> Sent:
    files = [value for name, value in form.multi_items() if name == "file" and isinstance(value, UploadFile)]
    if not files:
        raise BadInput(reason="the form has no file", fields=[FieldError("file", "a file")])
    given: dict[str, Any] = {name: value for name, value in form.multi_items() if name != "file"}
    if "metadata" in given:
        given["metadata"] = _metadata(str(given["metadata"]))
    try:
        fields = _Fields.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        raise _invalid(error) from None
    sent = Sent([await _file(file, fields) for file in files])
    sent.single = len(files) == 1
    return sent


def _metadata(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(reason="metadata is not JSON", fields=[FieldError("metadata", "a JSON object")]) from None


async def _file(file: UploadFile, fields: _Fields) -> NewDocument:
    return NewDocument(
        content=await file.read(),
        title=fields.title,
        source_uri=fields.source_uri,
        doc_type=fields.doc_type,
        purpose=fields.purpose,
        metadata=fields.metadata,
        name=file.filename,
        media_type=file.content_type,
        is_file=True,
    )


def _invalid(error: ValidationError) -> RequestValidationError:
    wrong = error.errors(include_url=False, include_input=False)
    return RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in wrong])
