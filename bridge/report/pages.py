"""How pages are made of templates: what stands in them is escaped, and what a template lacks is an error."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...presets.escaping import escaped


def page_templates(package: str) -> Environment:
    """The templates of a package, in its folder `templates`."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=escaped_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def escaped_value(value: object) -> object:
    """Escape control characters of names in what stands in a page."""
    if isinstance(value, Markup):
        return Markup(escaped(value, keep="\n"))
    return escaped(value, keep="\n") if isinstance(value, str) else value
