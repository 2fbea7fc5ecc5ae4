"""On which days clocks are changed somewhere, forward or back."""


def are_changed_on(day: int) -> bool:
    """Whether clocks are changed somewhere on a day, which is counted from 1970-01-01.

    That is done on Sundays: in March from the second on, the first in April, the last in September, the first and the
    last in October, and the first in November.

    Source: H. Hinnant, chrono-compatible low-level date algorithms (2021), civil_from_days.

    >>> are_changed_on(20_541), are_changed_on(20_542), are_changed_on(20_636)  # 29 and 30 March, 2 July 2026
    (True, False, False)
    """
    if (day + 4) % 7 != 0:
        return False
    shifted = day + 719_468
    of_era = shifted - shifted // 146_097 * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    from_march = (5 * of_year + 2) // 153
    month = from_march + 3 if from_march < 10 else from_march - 9
    of_month = of_year - (153 * from_march + 2) // 5 + 1
    early, late = of_month <= 7, of_month >= 24
    in_spring = month == 3 and of_month >= 8
    return in_spring or (month in (4, 10, 11) and early) or (month in (9, 10) and late)
