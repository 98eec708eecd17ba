"""One API document from many."""

import copy
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from openapi_spec_validator import validate
from pydantic import BaseModel

from gateway.documents import DocumentClash, merge_openapi, render
from gateway.own_document import own_document

REF = {"$ref": "#/components/schemas/Owner"}
FLAT = {"type": "string"}


def service(
    name: str, schemas: dict[str, Any], path: str = "things", **more: Any
) -> dict[str, Any]:
    """Give a small document of a service, whose one operation answers its `Thing`."""
    schema = {"$ref": "#/components/schemas/Thing"}
    answer = {"description": "ok", "content": {"application/json": {"schema": schema}}}
    operation = {"operationId": "read", "responses": {"200": answer}, **more}
    return {
        "openapi": "3.1.0",
        "info": {"title": name, "version": "1"},
        "paths": {f"/v1/{name}/{path}": {"get": operation}, "/livez": {"get": operation}},
        "components": {"schemas": schemas},
    }


def merged(**documents: dict[str, Any]) -> dict[str, Any]:
    document = merge_openapi(documents, own_document("1.0"))
    validate(document)
    return document


def answer_of(document: dict[str, Any], path: str) -> str:
    operation = document["paths"][path]["get"]
    return operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]


def test_identical_components_become_one() -> None:
    schemas = {"Thing": {"type": "object", "properties": {"owner": REF}}, "Owner": FLAT}
    document = merged(policy=service("policy", schemas), finance=service("finance", schemas))
    assert list(document["components"]["schemas"]) == ["Owner", "Thing"]
    assert answer_of(document, "/v1/finance/things") == "#/components/schemas/Thing"


def test_components_that_differ_are_prefixed_by_their_service() -> None:
    document = merged(
        policy=service("policy", {"Thing": {"type": "object"}}),
        finance=service("finance", {"Thing": {"type": "array", "items": FLAT}}),
    )
    assert list(document["components"]["schemas"]) == ["FinanceThing", "PolicyThing"]
    assert answer_of(document, "/v1/policy/things") == "#/components/schemas/PolicyThing"


def test_components_that_look_alike_but_refer_to_different_things_are_prefixed_too() -> None:
    thing = {"type": "object", "properties": {"owner": REF}}
    document = merged(
        policy=service("policy", {"Thing": thing, "Owner": FLAT}),
        finance=service("finance", {"Thing": thing, "Owner": {"type": "integer"}}),
    )
    schemas = document["components"]["schemas"]
    assert sorted(schemas) == ["FinanceOwner", "FinanceThing", "PolicyOwner", "PolicyThing"]
    owner = schemas["FinanceThing"]["properties"]["owner"]["$ref"]
    assert owner == "#/components/schemas/FinanceOwner"


def test_a_discriminator_follows_its_schemas() -> None:
    mapping = {"owner": "#/components/schemas/Owner"}
    thing = {
        "oneOf": [REF],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }
    owner = {"type": "object", "properties": {"kind": {"const": "owner"}}}
    document = merged(
        policy=service("policy", {"Thing": thing, "Owner": owner}),
        finance=service("finance", {"Thing": FLAT, "Owner": FLAT}),
    )
    renamed = document["components"]["schemas"]["PolicyThing"]["discriminator"]["mapping"]
    assert renamed == {"owner": "#/components/schemas/PolicyOwner"}


def test_only_paths_that_lead_to_the_service_are_kept() -> None:
    stray = service("finance", {"Thing": FLAT})
    document = merged(policy=service("policy", {"Thing": FLAT}), identity=stray)
    assert "/v1/finance/things" not in document["paths"]
    assert document["paths"]["/livez"]["get"]["operationId"] == "livez"
    own = {"/livez", "/readyz", "/openapi.json", "/asyncapi.json"}
    assert set(document["paths"]) == own | {"/v1/policy/things"}


def test_operation_ids_are_unique() -> None:
    document = merged(
        policy=service("policy", {"Thing": FLAT}), finance=service("finance", {"Thing": FLAT})
    )
    ids = [item["get"]["operationId"] for item in document["paths"].values()]
    assert {"policy_read", "finance_read"} <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], ["policy"]),
        (["政策"], ["policy"]),
        (["policy"], ["policy"]),
        (["Cases"], ["policy-cases"]),
        (["policy-cases", "notices"], ["policy-cases", "policy-notices"]),
    ],
)
def test_tags_are_ascii_and_name_the_service(tags: list[str], expected: list[str]) -> None:
    document = merged(policy=service("policy", {"Thing": FLAT}, tags=tags))
    assert document["paths"]["/v1/policy/things"]["get"]["tags"] == expected
    assert {tag["name"] for tag in document["tags"]} == {"gateway", *expected}


def test_security_schemes_are_merged_and_renamed_where_they_differ() -> None:
    bearer = {"type": "http", "scheme": "bearer"}
    key = {"type": "apiKey", "in": "header", "name": "X-Key"}
    policy = service("policy", {"Thing": FLAT}, security=[{"token": []}])
    policy["components"]["securitySchemes"] = {"token": bearer}
    finance = service("finance", {"Thing": FLAT})
    finance["security"] = [{"token": ["write"]}]
    finance["components"]["securitySchemes"] = {"token": key}
    document = merged(policy=policy, finance=finance)
    schemes = document["components"]["securitySchemes"]
    assert schemes == {"FinanceToken": key, "PolicyToken": bearer}
    operation = document["paths"]["/v1/finance/things"]["get"]
    assert operation["security"] == [{"FinanceToken": ["write"]}]
    operation = document["paths"]["/v1/policy/things"]["get"]
    assert operation["security"] == [{"PolicyToken": []}]
    assert "security" not in document


def test_the_same_path_from_two_sides_is_an_error() -> None:
    base = own_document("1.0")
    base["paths"]["/v1/policy/things"] = {"get": {"responses": {"200": {"description": "x"}}}}
    with pytest.raises(DocumentClash, match="/v1/policy/things"):
        merge_openapi({"policy": service("policy", {"Thing": FLAT})}, base)


def test_the_result_is_the_same_bytes_whatever_the_order_and_the_input_is_untouched() -> None:
    documents = {
        "policy": service("policy", {"Thing": FLAT, "Owner": FLAT}),
        "finance": service("finance", {"Owner": {"type": "integer"}, "Thing": FLAT}),
    }
    before = copy.deepcopy(documents)
    forward = render(merge_openapi(documents, own_document("1.0")))
    backward = render(merge_openapi(dict(reversed(documents.items())), own_document("1.0")))
    assert forward == backward
    assert forward.endswith(b"}\n")
    assert "两新" in forward.decode()
    assert documents == before


class Item(BaseModel):
    name: str


def application(name: str, amount_type: type) -> FastAPI:
    app = FastAPI(title=name, separate_input_output_schemas=False)
    body = type("Body", (BaseModel,), {"__annotations__": {"amount": amount_type, "item": Item}})

    @app.post(
        f"/v1/{name}/items",
        tags=["items"],
        response_model=body,
        dependencies=[Depends(HTTPBearer())],
    )
    async def create(given: body) -> Any:  # pyright: ignore[reportInvalidTypeForm]
        return given

    return app


def test_documents_as_fastapi_writes_them_merge_into_a_valid_one() -> None:
    document = merged(
        policy=application("policy", int).openapi(), finance=application("finance", str).openapi()
    )
    schemas = document["components"]["schemas"]
    assert {"FinanceBody", "PolicyBody", "Item", "HTTPValidationError"} <= set(schemas)
    operation = document["paths"]["/v1/policy/items"]["post"]
    assert operation["tags"] == ["policy-items"]
    assert operation["security"] == [{"HTTPBearer": []}]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/PolicyBody"}
