"""Tiny pages, each right but for one fault, for the gates to find."""

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self'; base-uri 'self'; form-action 'self'"
)
STRICT = POLICY.replace(" 'unsafe-inline'", "")
GOOD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A page</title>
<link rel="icon" href="page.html">
{head}
</head>
<body>
<main>
<article>
<h1>A page</h1>
{body}
</article>
</main>
</body>
</html>
"""


def page(body: str = "<p>All is well.</p>", head: str = "", policy: str = STRICT) -> str:
    """A page with something in it."""
    return GOOD.format(body=body, head=head, policy=policy)


def write(folder, **pages):
    """Write pages by name; return the folder."""
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return folder
