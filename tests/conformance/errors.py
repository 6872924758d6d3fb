"""Errors as the client reports them."""

from azure.batch.models import BatchError
from azure.core.exceptions import HttpResponseError


class refused:
    """Expects the service to refuse the request in the block: `with refused(404, "JobNotFound") as error`.

    Afterwards `error.details` contains the values of the error body by key.
    """

    def __init__(self, status, code, kind=HttpResponseError):
        self.status, self.code, self.kind, self.details = status, code, kind, {}

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _trace):
        assert error is not None, f"{self.code} did not come"
        if not isinstance(error, HttpResponseError):
            return False
        model = _model(error)
        assert (error.status_code, model.code, type(error)) == (self.status, self.code, self.kind), error
        assert model.message.lang == "en-US"
        assert "RequestId:" in model.message.value
        self.details = {value.key: value.value for value in model.error_values or []}
        return True


def _model(error):
    """Returns the error model. The client does not read the body of an error of a download."""
    if error.model is None:
        error.response.read()
        return BatchError(error.response.json())
    return error.model
