"""The reasons of an answer in sentences that an applicant understands, Chinese and English."""

from collections.abc import Sequence

from services.rulebook.explain import Lack, Miss
from services.rulebook.findings import Finding, Findings
from services.rulebook.vocabulary import Vocabulary

FEN_PER_YUAN = 100


def sentences(findings: Findings, vocabulary: Vocabulary) -> tuple[str, str]:
    """Say the outcome, why, and what it pays, quoting the words of the clause."""
    writers = {True: _eligible, False: _ineligible, None: _unknown}
    pairs = [*writers[findings.outcome](findings, vocabulary), *_reservations(findings)]
    return "".join(zh for zh, _ in pairs), " ".join(en for _, en in pairs)


def yuan(fen: int) -> str:
    """Write an amount of fen in yuan; the fen only where there are some."""
    whole, rest = divmod(fen, FEN_PER_YUAN)
    return f"{whole:,}.{rest:02d}" if rest else f"{whole:,}"


def _eligible(findings: Findings, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    pairs = [("符合全部可判定的条件。", "All conditions that can be tested are met.")]
    if findings.programme.amount is None:
        return pairs
    match findings.amount_status:
        case "set":
            amount = yuan(findings.amount_fen or 0)
            is_ceiling = findings.programme.amount_kind == "ceiling"
            zh = f"金额最高{amount}元。" if is_ceiling else f"金额{amount}元。"
            en = f"The amount is {'at most ' if is_ceiling else ''}{amount} yuan."
        case "pending-parameter":
            names = _parameters(findings, findings.amount_cause.parameters)
            zh = f"金额待定：{names[0]}尚未确定。"
            en = f"The amount is pending: {names[1]} is not set."
        case "unknown-fact":
            zh, en = _open_amount(findings, vocabulary)
    return [*pairs, (zh, en)]


def _open_amount(findings: Findings, vocabulary: Vocabulary) -> tuple[str, str]:
    if findings.missing:
        zh, en = _lacks(findings.missing, vocabulary)
        return f"金额暂不能计算：缺少{zh}。", f"The amount is unknown: {en} not stated."
    return (
        "金额无法计算：作除数的数为零，须人工认定。",
        "The amount is undefined: it divides by zero, so a person must decide.",
    )


def _ineligible(findings: Findings, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    quoted = [_quoted(finding) for finding in findings.failed]
    pairs = [
        (
            f"不符合：{'；'.join(zh for zh, _ in quoted)}。",
            f"Not met: {'; '.join(en for _, en in quoted)}.",
        )
    ]
    for finding in findings.failed:
        pairs.extend(_near(finding, miss, vocabulary) for miss in finding.misses)
    return pairs


def _unknown(findings: Findings, vocabulary: Vocabulary) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    if findings.missing:
        zh, en = _lacks(findings.missing, vocabulary)
        pairs.append((f"暂不能判定：缺少{zh}。", f"Not yet decided: {en} not stated."))
    for finding in findings.open:
        says, says_en = _quoted(finding)
        if finding.cause.has_zero_base:
            zh = f"无法判定：{says}，基期数为零，须人工认定。"
            en = f"Undefined: {says_en}, the base is zero, so a person must decide."
            pairs.append((zh, en))
        if finding.cause.parameters:
            names = _parameters(findings, finding.cause.parameters)
            zh = f"暂不能判定：{says}，{names[0]}尚未确定。"
            pairs.append((zh, f"Not yet decided: {says_en}, {names[1]} is not set."))
        if finding.cause.has_open_points and not finding.cause.missing:
            zh = f"暂不能判定：{says}，得分须经评审确定。"
            pairs.append((zh, f"Not yet decided: {says_en}, points are for experts to give."))
    if not findings.open:
        zh = "没有可以自动判定的条件，须人工审核。"
        pairs.append((zh, "No condition can be tested by number, so a person must decide."))
    return pairs


def _reservations(findings: Findings) -> list[tuple[str, str]]:
    pairs = [
        (f"另须人工核实：{_quoted(f)[0]}。", f"To be checked by a person: {_quoted(f)[1]}.")
        for f in findings.manual
    ]
    if findings.is_history_open:
        zh = "未核对以往享受情况。"
        pairs.append((zh, "Earlier awards were not looked up."))
    return pairs


def _quoted(finding: Finding) -> tuple[str, str]:
    condition = finding.condition
    source = condition.source
    says_en = condition.english or condition.says
    if not source:
        return condition.says, says_en
    return f"{condition.says}（依据{source}）", f"{says_en} ({source})"


def _near(finding: Finding, miss: Miss, vocabulary: Vocabulary) -> tuple[str, str]:
    share = f"{miss.lacking_bp // 100}.{miss.lacking_bp % 100:02d}%"
    fact = vocabulary.get(miss.fact)
    says, says_en = finding.condition.says, finding.condition.english or finding.condition.says
    if miss.lacking == 0:
        return (f"“{says}”恰好等于标准，未超过。", f'"{says_en}" only equals the threshold.')
    if fact is None or not isinstance(miss.lacking, int):
        return (
            f"“{says}”与标准相差{share}。",
            f'"{says_en}" was missed by {share} of the threshold.',
        )
    is_money = fact.unit == "fen"
    gap = f"{yuan(miss.lacking)}元" if is_money else f"{miss.lacking}"
    gap_en = f"{yuan(miss.lacking)} yuan" if is_money else f"{miss.lacking}"
    title = fact.title or fact.name
    return (
        f"“{says}”：{title}与标准相差{gap}（{share}）。",
        f'"{says_en}": {fact.english or fact.name} is off by {gap_en} ({share}).',
    )


def _lacks(lacks: Sequence[Lack], vocabulary: Vocabulary) -> tuple[str, str]:
    zh: list[str] = []
    en: list[str] = []
    for name, year in lacks:
        fact = vocabulary.get(name)
        title = (fact.title if fact else "") or name
        english = (fact.english if fact else "") or name
        owner = vocabulary.owner_of(name)
        zh.append(f"{f'{year}年' if year else ''}{title}{f'（{owner}）' if owner else ''}")
        en.append(f"{english}{f' of {year}' if year else ''}")
    return "、".join(zh), ", ".join(en)


def _parameters(findings: Findings, names: frozenset[str]) -> tuple[str, str]:
    declared = findings.programme.parameters
    zh = "、".join(declared[name].title or name for name in sorted(names))
    en = ", ".join(declared[name].english or name for name in sorted(names))
    return zh, en
