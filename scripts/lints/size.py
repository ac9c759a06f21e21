"""Everything has a limit: a function fits on a screen, a file in a head."""

from collections.abc import Iterator

from scripts.lints.source import Finding, Source

MOST_FUNCTION_LINES = 60
MOST_FILE_LINES = 400
MOST_DOMAIN_LINES = 250
MOST_FLOW_LINES = 150
MOST_PARAMETERS = 6


def file_length(source: Source) -> Iterator[Finding]:
    """Find files that are too long: 400 lines, in the domain 250, a flow 150 (blank ones not counted)."""
    most, length = MOST_FILE_LINES, source.text.count("\n")
    if source.lies_in("src/anka/domain"):
        most = MOST_DOMAIN_LINES
    elif source.lies_in("src/anka/flows") and not source.is_sql and not source.lies_in("src/anka/flows/steps"):
        most, length = MOST_FLOW_LINES, sum(bool(line.strip()) for line in source.text.splitlines())
    if length > most:
        yield Finding(source.path, 1, "file-length", f"{length} lines, at most {most}: it is about two things; part them")


def function_length(source: Source) -> Iterator[Finding]:
    """Find functions of more than 60 lines, documentation included."""
    for node in source.functions():
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > MOST_FUNCTION_LINES:
            yield Finding(source.path, node.lineno, "function-length", f"{node.name} has {length} lines, at most {MOST_FUNCTION_LINES}")


def parameter_count(source: Source) -> Iterator[Finding]:
    """Find functions with more than six parameters; self and cls do not count."""
    for node in source.functions():
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = sum(parameter.arg not in ("self", "cls") for parameter in given)
        if count > MOST_PARAMETERS and source.lies_in("src"):
            yield Finding(source.path, node.lineno, "parameter-count", f"{node.name} has {count} parameters, at most {MOST_PARAMETERS}")
