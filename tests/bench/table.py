"""How results are printed."""

NAME_WIDTH, NUMBER_WIDTH, SPREAD_WIDTH = 30, 12, 34


def print_part(title):
    print(f"\n== {title}\n", flush=True)


def print_heading(title, unit):
    print(
        f"{title:<{NAME_WIDTH}}{unit:>{NUMBER_WIDTH}}  {'pass-through / native':<{SPREAD_WIDTH}}"
        f"{'afterfork / native':<{SPREAD_WIDTH}}target"
    )
    legend = "median [quartiles] (min max)"
    print(f"{'':<{NAME_WIDTH + NUMBER_WIDTH}}  {legend:<{SPREAD_WIDTH}}{legend}", flush=True)


def print_row(name, native, passthrough, afterfork, target):
    limit = f"{target:.2f}" if target else "-"
    print(
        f"{name:<{NAME_WIDTH}}{native:>{NUMBER_WIDTH},.1f}  {str(passthrough):<{SPREAD_WIDTH}}"
        f"{str(afterfork):<{SPREAD_WIDTH}}{limit}",
        flush=True,
    )


def print_columns(*columns):
    first, *rest = columns
    print(f"{first:<{NAME_WIDTH}}" + "".join(f"{column:>18}" for column in rest), flush=True)
