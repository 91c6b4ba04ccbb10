"""What stands between the braces of a series."""


def labelled(name: str, value: object, **labels: str) -> str:
    """Return one line; families of many lines have a faster format of their own."""
    pairs = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {value}\n" if pairs else f"{name} {value}\n"


def escaped(text: str) -> str:
    r"""Return a label's value as both formats want it: \ as \\, " as \", a new line as \n."""
    if "\\" in text or '"' in text or "\n" in text:  # hardly ever, and to look is cheap
        return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return text
