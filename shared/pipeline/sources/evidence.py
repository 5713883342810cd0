"""What a verdict rests on, and what to do about it, in words with their numbers. Pure."""

from dataclasses import dataclass

from pipeline.sources.changes import Change
from pipeline.sources.domains import aligned
from pipeline.sources.judge import Facts, Verdict, strictly_unaligned, weigh
from pipeline.sources.naming import Mechanism

MODES = {Mechanism.DKIM: "adkim", Mechanism.SPF: "aspf"}
WORDS = {Mechanism.DKIM: "DKIM", Mechanism.SPF: "SPF"}
SHOWN = 3  # names of a kind


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, what it rests on, and what to do about it, if anything. `link` is the service's own help."""

    verdict: Verdict
    evidence: tuple[str, ...]
    advice: str = ""
    link: str | None = None
    changes: tuple[Change, ...] = ()


def judge(facts: Facts) -> Judgement:
    """The verdict with its evidence, for whoever reads it."""
    verdict, changes = weigh(facts)
    advice, link = _advice(facts, verdict)
    return Judgement(verdict, _evidence(facts), advice, link, changes)


def _evidence(facts: Facts) -> tuple[str, ...]:
    now = facts.now
    lines = [f"{facts.name} sent {now.messages:,} messages as {facts.domain}"]
    if now.messages > 0:
        lines.append(f"{now.dkim:,} have an aligned DKIM signature, {now.spf:,} aligned SPF, {now.failed:,} neither")
    passing = {mechanism: _domains(facts, mechanism) for mechanism in (Mechanism.SPF, Mechanism.DKIM)}
    lines += [f"{WORDS[mechanism]} passes for {', '.join(names)}" for mechanism, names in passing.items() if names]
    lines += _strict_lines(facts)
    broken = _broken_keys(facts)
    if broken and now.dkim <= 0:
        lines.append(f"signatures of {', '.join(broken)} do not verify: a wrong key, or email changed on its way")
    elif not any(aligned(name, facts.domain) for name in passing[Mechanism.DKIM]):
        lines.append(f"no valid DKIM signature of {facts.domain}")
    if now.overridden:
        lines.append(f"reporters call {now.overridden:,} of them forwarded or from a mailing list")
    if now.quarantined or now.rejected:
        lines.append(f"{now.quarantined:,} were quarantined, {now.rejected:,} rejected")
    return tuple(lines)


def _strict_lines(facts: Facts) -> list[str]:
    names: dict[Mechanism, list[str]] = {}
    for one in strictly_unaligned(facts):
        names.setdefault(one.mechanism, []).append(one.domain)
    return [
        f"strict alignment ({MODES[mechanism]}=s) does not count {', '.join(sorted(set(found))[:SHOWN])}"
        for mechanism, found in names.items()
    ]


def _broken_keys(facts: Facts) -> list[str]:
    """Keys of the domain whose signatures failed, and never passed."""
    keys = [one for one in facts.identities if one.mechanism is Mechanism.DKIM and aligned(one.domain, facts.domain)]
    good = {(one.domain, one.selector) for one in keys if one.passed}
    return sorted(
        {
            f"{one.domain} (selector {one.selector})" if one.selector else one.domain
            for one in keys
            if (one.domain, one.selector) not in good
        }
    )[:SHOWN]


def _domains(facts: Facts, mechanism: Mechanism) -> list[str]:
    found = {one.domain for one in facts.identities if one.mechanism is mechanism and one.passed}
    return sorted(found, key=lambda name: (not aligned(name, facts.domain), name))[:SHOWN]


def _advice(facts: Facts, verdict: Verdict) -> tuple[str, str | None]:
    if verdict is Verdict.MISALIGNED:
        return _to_authenticate(facts), facts.service.help if facts.service else None
    if verdict is Verdict.FORWARDED and facts.now.failed > 0:
        return "have every email signed with DKIM: a signature survives forwarding, SPF does not", None
    if verdict is Verdict.FAILING:
        return _to_stop(facts), None
    if verdict is Verdict.UNKNOWN and facts.now.messages > 0:
        return 'say whether it is "ours" or "not ours"', None
    return "", None


def _to_authenticate(facts: Facts) -> str:
    strict = sorted({MODES[one.mechanism] for one in strictly_unaligned(facts)})
    if strict:
        return f"authenticate as {facts.domain} itself, or publish {' and '.join(f'{mode}=r' for mode in strict)}"
    if facts.service is None:
        text = f"have {facts.source} sign as {facts.domain} with DKIM, and name it in the SPF record"
        return f'{text}; if it only hands on email of others, mark it "ignore"'
    text = f"set up domain authentication for {facts.domain} at {facts.name}"
    if facts.standing is None and facts.now.passed <= 0:
        text += '; if it does not send for you, mark it "not ours"'
    return text


def _to_stop(facts: Facts) -> str:
    text = 'if it sends for you, mark it "ours" and authenticate it; else a policy of reject stops it'
    others = [name for name in _domains(facts, Mechanism.SPF) if not aligned(name, facts.domain)]
    return f"{text}; {others[0]} may be a mailing list that your people write to" if others else text
