"""The verdict over the run, the sentence on one checkpoint, and what there is to say before either."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from shadowboard.records import Score
from tests.browser.modules import call
from tests.browser.sites import Site
from tests.browser.test_accessibility import SETTLE
from tests.browser.test_curve import correct
from tests.browser.visitors import Open

pytestmark = pytest.mark.browser


def test_sentence_tells_what_the_store_holds(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text("At step 200")
    for split, name in (("validation", "Validation"), ("test", "Test")):
        page.get_by_label(name, exact=True).check()
        expect(sentence).to_contain_text(f"{split} images")
        raw, ema = (correct(site, run.id, 200, a, split) for a in ("", "ExponentialMovingAverage"))
        for part in (f"{raw:,}", f"{ema:,}"):
            expect(sentence).to_contain_text(part)
        if ema != raw:
            expect(sentence).to_contain_text(f"{abs(ema - raw):,} {'more' if ema > raw else 'fewer'}")
        expect(page.locator("#curve-title")).to_have_text(f"{name} accuracy")


def gap_bars(page: Page) -> dict[float, str]:
    """The sharp bars' heights by their step, and of which kind each is."""
    drawn = page.evaluate(
        "document.getElementById('chart').data.filter(({ uid }) => uid.startsWith('gap-'))"
        ".map(({ uid, x, y }) => [uid, [...x], [...y]])"
    )
    return {
        round((xs[i] + xs[i + 2]) / 2): f"{uid.removeprefix('gap-')} {ys[i + 1]:+.2f}"
        for uid, xs, ys in drawn
        for i in range(0, len(xs), 6)
    }


def test_the_run_as_a_whole_is_judged_and_bars_beyond_chance_are_filled(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200, 300, 400)
    page = visit(site).open(run)
    overall = page.locator("#overall")
    # While a run goes on, the page asks for its comparison only for a share of the time.
    expect(overall).to_contain_text("over the 4 checkpoints so far", timeout=30_000)
    expect(page.locator("#sentence")).to_have_text(
        re.compile(r"^One checkpoint (alone tells|alone is often|may stand|may go) .+\. At")
    )
    site.advance(run, 500, 600)
    site.end(run, "finished", "")
    expect(overall).to_contain_text("over the 6 checkpoints of the run", timeout=30_000)
    found = page.request.get(f"{site.url}/runs/{run.id}/comparison").json()
    expect(overall).to_have_text(found["verdict"])
    page.wait_for_selector("#chart[aria-label*='At step 600']")
    expected = {}
    columns = (found[name] for name in ("step", "only_raw", "only_ema", "p_value"))
    for step, raw, ema, p in zip(*columns, strict=True):
        if step and raw != ema:
            kind = f"{'ahead' if ema > raw else 'behind'}-{'clear' if p < 0.05 else 'chance'}"
            expected[step] = f"{kind} {ema - raw:+.2f}"  # of 100 images
    page.wait_for_function(
        "(n) => document.getElementById('chart').data.filter(({ uid }) => /^gap-.*-(clear|chance)/.test(uid))"
        ".reduce((sum, { x }) => sum + x.length / 6, 0) === n",
        arg=len(expected),
    )
    assert gap_bars(page) == expected != {}
    page.get_by_label("Test", exact=True).check()
    expect(page.locator("#curve-title")).to_have_text("Test accuracy")
    expect(page.locator("#step-slider")).to_have_attribute("max", "6")  # all are evaluated on these, too
    test = page.request.get(f"{site.url}/runs/{run.id}/comparison?split=test").json()
    expect(overall).to_have_text(test["verdict"])


def test_a_server_that_was_slow_once_is_asked_again_soon(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    page = visit(site).context.new_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/comparison?*", hold, times=1)
    page.goto(f"{site.url}/?run={run.id}")
    expect(page.locator("#overall")).to_have_text("Comparing over the run…")
    page.wait_for_timeout(3_000)  # a share of the time would be a minute now
    site.advance(run, 300)
    expect(page.locator("#step-slider")).to_have_attribute("max", "3")
    held[0].continue_()
    expect(page.locator("#overall")).to_contain_text("over the 3 checkpoints so far")
    site.advance(run, 400)
    expect(page.locator("#overall")).to_contain_text("over the 4 checkpoints so far")


def test_what_is_not_tested_yet_is_not_called_chance(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100, 200)
    site.end(run, "finished", "")
    page = visit(site).context.new_page()
    held: list[Route] = []
    let_go = False

    def hold(route: Route) -> None:
        if let_go:
            route.continue_()
        else:
            held.append(route)

    page.route("**/comparison?*", hold)
    page.goto(f"{site.url}/?run={run.id}")
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    caption = page.locator("#chart .annotation-text", has_text="gain by averaging")
    expect(caption).to_contain_text("outline: not tested yet")
    assert {bar.rpartition(" ")[0].rpartition("-")[2] for bar in gap_bars(page).values()} == {"untested"}
    expect(page.locator("#overall")).to_have_text("Comparing over the run…")
    let_go = True
    for route in held:
        route.continue_()
    expect(caption).not_to_contain_text("not tested yet")
    assert "untested" not in str(gap_bars(page))
    expect(page.locator("#overall")).to_contain_text("over the 2 checkpoints of the run")


def test_before_two_checkpoints_the_one_is_all_there_is_to_say(site: Site, visit: Open) -> None:
    run = site.begin()
    site.advance(run, 0, 100)
    page = visit(site).context.new_page()
    with page.expect_response("**/comparison?*"):
        page.goto(f"{site.url}/?run={run.id}")
    expect(page.locator("#sentence")).to_have_text(re.compile(r"^At step\s100"))
    page.evaluate(SETTLE)  # by now the answer would be seen
    expect(page.locator("#overall")).to_be_empty()


def test_each_average_stands_with_its_gain_over_the_run(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200, 300)
    site.end(run, "finished", "")
    page = visit(site).open(run)
    ask = f"{site.url}/runs/{run.id}/comparison?average="
    cards = page.locator("#average-choices label")
    expect(cards.locator(".gain b")).to_have_count(2)
    for i, name in enumerate(("ExponentialMovingAverage", "EMA_0.999")):
        cards.nth(i).click()
        expect(page.locator("#overall")).to_contain_text("over the 3 checkpoints of the run")  # which is all
        found = page.request.get(ask + name).json()
        mean = found["overall"]
        numbers = [f"{100 * value:+.2f}".replace("-", "−") for value in (mean["accuracy"], *mean["interval"])]
        gain = cards.nth(i).locator(".gain")
        expect(gain).to_contain_text(f"{numbers[0]} pp {numbers[1]} to {numbers[2]}")
        expect(page.locator("#overall")).to_have_text(found["verdict"])
        expect(page.get_by_role("radio", name=("0.99", "0.999")[i], exact=True)).to_be_checked()


def test_several_averages_can_be_chosen(site: Site, visit: Open) -> None:
    run = site.begin(averages=[{"decay": 0.99}, {"decay": 0.999}])
    site.advance(run, 0, 100, 200)
    page = visit(site).open(run)
    chosen = page.locator("#readout .entry.ema")
    expect(chosen.locator("dt")).to_have_text("averaged 0.99")
    page.get_by_label("0.999", exact=True).check()
    expect(chosen.locator("dt")).to_have_text("averaged 0.999")
    # The other average of the newest checkpoint may be evaluated only now.
    expect(page.locator("#sentence")).to_contain_text(re.compile(r"At step\s200 .*\(decay 0\.999\)"))
    ema = correct(site, run.id, 200, "EMA_0.999")
    expect(chosen.locator("dd")).to_have_attribute("title", f"{ema:,} of 100")
    expect(page.locator("#sentence")).to_contain_text(f"averaged weights (decay 0.999) read {ema:,} of")


@pytest.mark.parametrize(
    ("step", "run", "words"),
    [
        ("ema", "ema", "One checkpoint alone tells less than the run."),
        (None, None, "One checkpoint alone tells less than the run."),
        (None, "ema", "One checkpoint alone is often too little to tell."),
        ("raw", None, "One checkpoint may stand out by luck."),
        ("raw", "ema", "One checkpoint may go against the run."),
    ],
)
def test_one_checkpoint_contradicts_no_run(
    blank: Page, step: str | None, run: str | None, words: str
) -> None:
    assert call(blank, "dashboard/sentence", "module.besideTheRun(...argument)", [step, run]) == words


def test_raw_numbers_alone_are_no_result(site: Site, visit: Open) -> None:
    """Raw weights are evaluated first: meanwhile neither the headline nor the figures take sides."""
    run = site.begin()
    score = Score(100, "", "validation", 100, 90, 0.5, 0.1, 0.0)
    site.store.add_evaluation(run.id, score, bytes(100), bytes(400))
    page = visit(site).open(run)
    words = "The raw weights of step 100 are evaluated; the averaged ones are next…"
    for part in ("#sentence", "#readout .waiting"):
        expect(page.locator(part)).to_have_text(words)
    expect(page.locator("#readout .entry")).to_have_count(1)
    site.advance(run, 200)
    expect(page.locator("#sentence")).to_contain_text("At step 200")
    expect(page.locator("#readout .entry.ema dd")).to_contain_text("%")
