"""A newcomer's way through the console in a real browser: printed link, account, workspace, colleague. The tests of this
file follow one another as the story does."""

import csv
import io
import re
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from conftest import ROOT, Instance

SHOTS = ROOT / "target" / "test" / "browser"
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "a tarn is a small lake"
ADMIN, COLLEAGUE = "ada@example.com", "mia@example.com"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
REFUSAL = re.compile(r"the server responded with a status of 4\d\d")  # the page shows what the server said


@pytest.fixture(scope="module")
def story():
    """What the tests share: an instance that was just started, and what became of it so far."""

    class Story:
        instance = Instance()
        links = {}

    Story.printed = Story.instance.tarn("up").stdout
    Story.url = f"http://127.0.0.1:{Story.instance.port}"
    yield Story
    Story.instance.remove()


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium")
    if not found:
        pytest.fail("Chromium is missing (expected: chromium on the PATH; apt-get install --no-install-recommends chromium)")
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, story):
    """Opens the console as somebody; what the page complains about fails the test."""
    contexts, complaints = [], []

    def open_as(who=None, size=WIDE, scheme="light"):
        context = chromium.new_context(
            viewport=size, color_scheme=scheme, base_url=story.url, reduced_motion="reduce", locale="en-GB",
            storage_state=story.links.get(who))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.on("console", lambda said: complaints.append(said.text)
                if said.type == "error" and not REFUSAL.search(said.text) else None)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert complaints == []


def shot(page, name, full=False):
    page.wait_for_timeout(250)  # what slides in has arrived
    page.screenshot(path=SHOTS / f"{name}.png", full_page=full)


def sign_in(page, who):
    page.goto("/login")
    page.get_by_label("E-mail").fill(who)
    page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/workspaces")


def row(page, name):
    return page.get_by_role("row").filter(has_text=name).first


def test_the_printed_link_makes_the_account_once(story, visit):
    link = re.search(r"http\S+/sign-up#\S+", story.printed).group(0)
    page = visit()
    page.goto(link)
    expect(page.get_by_role("heading", name="Set up your account")).to_be_visible()
    assert "#" not in page.url
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail").fill(ADMIN)
    page.get_by_label("Account name").fill("Lakeside")
    page.get_by_label(re.compile("^Password( \\*)?$")).fill(PASSWORD)
    page.get_by_label(re.compile("^Password again")).fill(PASSWORD)
    shot(page, "sign-up", full=True)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("No workspaces yet")).to_be_visible()
    expect(page.get_by_role("banner")).to_contain_text("Lakeside")
    story.links["ada"] = page.context.storage_state()
    again = visit()
    again.goto(link)
    expect(again.get_by_role("alert")).to_be_visible()


def test_the_form_makes_a_workspace_and_its_events_are_seen_as_they_come(story, visit):
    page = visit("ada")
    page.goto("/workspaces")
    page.get_by_role("link", name="Create workspace").first.click()
    page.get_by_role("link", name="Quickstart").click()
    page.get_by_label("Workspace name").fill("dev")
    page.get_by_label("I acknowledge").check()
    expect(page.locator(".node")).to_have_count(9)
    shot(page, "quickstart-form")
    page.get_by_role("button", name="Create stack").click()
    events = page.get_by_role("table", name="Events")
    expect(events.get_by_role("row").filter(has_text="CREATE IN PROGRESS").first).to_be_visible()
    counts = set()
    deadline = time.monotonic() + 180
    while not page.get_by_role("link", name="Open workspace").is_visible():
        counts.add(events.get_by_role("row").count())
        assert time.monotonic() < deadline, events.inner_text()
        page.wait_for_timeout(200)
    counts.add(events.get_by_role("row").count())
    assert len(counts) > 1, "all events came at once"
    expect(row(page, "createWorkspace")).to_contain_text("CREATE COMPLETE")
    shot(page, "stack-events")
    page.get_by_role("tab", name="Resources").click()
    expect(page.locator(".node").filter(has_text="CREATE COMPLETE")).to_have_count(9)
    shot(page, "stack-graph")
    page.get_by_role("tab", name="Outputs").click()
    expect(row(page, "WorkspaceStatus")).to_contain_text("RUNNING")
    page.get_by_role("tab", name="Drift").click()
    expect(row(page, "workspaceS3Bucket")).to_contain_text("IN SYNC")
    expect(page.get_by_text("Everything is as the template says.")).to_be_visible()
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("dialog").get_by_role("button", name="Turn on").click()
    expect(page.get_by_text("Termination protection is on.")).to_be_visible()
    shot(page, "stack-drift")
    page.get_by_role("button", name="Delete stack").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete stack").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("ermination")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Open workspace").click()
    expect(page.get_by_role("table", name="SQL warehouses")).to_contain_text("Starter Warehouse")
    expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
    shot(page, "workspace-home")
    story.workspace = re.search(r"/w/(\d+)", page.url).group(1)


def test_a_colleague_is_invited_and_sees_just_the_workspace_of_her_group(story, visit):
    story.instance.tarn("stack", "create", "--workspace-name", "other", "--wait")
    page = visit("ada")
    page.goto("/workspaces")
    expect(page.get_by_role("table", name="workspaces").get_by_role("row")).to_have_count(3)
    page.get_by_role("searchbox").fill("OTH")
    expect(page.get_by_role("table", name="workspaces").get_by_role("row")).to_have_count(2)
    page.goto("/users")
    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill(COLLEAGUE)
    dialog.get_by_label("Name").fill("Mia Example")
    dialog.get_by_role("button", name="Invite").click()
    said = page.get_by_role("status").filter(has_text="Give this link")
    link = re.search(r"http\S+/sign-up#[\w.~-]+", said.inner_text()).group(0)

    page.get_by_role("link", name="Groups").click()
    page.get_by_role("button", name="Create group").click()
    page.get_by_role("dialog").get_by_label("Name").fill("data-team")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="data-team")).to_be_visible()
    page.get_by_role("button", name="Add member").click()
    page.get_by_role("dialog").get_by_label("Who").fill("mia")
    page.get_by_role("option", name=COLLEAGUE).click()
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.get_by_role("table", name="Members")).to_contain_text("Mia Example")
    story.group = page.url.rsplit("/", 1)[1]

    page.goto(f"/workspaces/{story.workspace}")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("dialog").get_by_label("Who").fill("data")
    page.get_by_role("option", name="data-team").click()
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.get_by_role("table", name="Who may enter")).to_contain_text("data-team")
    shot(page, "workspace", full=True)

    mia = visit()
    mia.goto(link)
    mia.get_by_label("Your name").fill("Mia Example")
    mia.get_by_label(re.compile("^Password( \\*)?$")).fill(PASSWORD)
    mia.get_by_label(re.compile("^Password again")).fill(PASSWORD)
    mia.get_by_role("button", name="Join").click()
    mia.wait_for_url("**/workspaces")
    sign_in(mia, COLLEAGUE)
    main = mia.get_by_role("main")
    expect(main.get_by_role("heading", name="dev")).to_be_visible()
    expect(main.get_by_role("heading", level=2)).to_have_count(1)
    assert mia.get_by_role("link", name="Users").count() == 0
    mia.goto("/users")
    expect(mia.get_by_role("alert")).to_contain_text("You may not see this")
    mia.goto(f"/w/{story.workspace}")
    expect(mia.get_by_role("heading", name="Hello, Mia")).to_be_visible()
    expect(mia.get_by_role("main")).to_contain_text("Starter Warehouse")
    story.links["mia"] = mia.context.storage_state()

    page.goto("/users")
    page.get_by_role("searchbox").fill("mia")
    page.get_by_role("link", name="Mia Example").click()
    expect(page.get_by_role("table", name="Workspaces")).to_contain_text("in data-team")
    shot(page, "why")
    story.user = page.url.rsplit("/", 1)[1]


def tab(page, name):
    page.get_by_role("tab", name=name).click()


def test_what_a_group_was_granted_its_member_finds_and_why_explains_it(story, visit):
    explore = f"/w/{story.workspace}/explore"
    page, mia = visit("ada"), visit("mia")
    page.goto(explore)
    page.get_by_role("button", name="Create catalog").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Lake")
    page.get_by_role("dialog").get_by_label("Comment").fill("What was measured")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="lake")).to_be_visible()
    page.get_by_role("button", name="Create schema").click()
    page.get_by_role("dialog").get_by_label("Name").fill("raw")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="raw")).to_be_visible()
    expect(page.get_by_role("treeitem", name="raw", selected=True)).to_be_visible()

    mia.goto(explore)
    expect(mia.get_by_role("treeitem", name="samples")).to_be_visible()
    expect(mia.get_by_role("treeitem", name="lake")).to_have_count(0)
    assert mia.get_by_role("button", name="Create catalog").count() == 0
    mia.goto(f"{explore}/data/lake/raw")
    expect(mia.get_by_role("alert")).to_contain_text("USE CATALOG on Catalog 'lake'")

    page.goto(f"{explore}/data/lake?tab=permissions")
    why = page.get_by_role("region", name="Why can somebody see this?")
    why.get_by_label("Who").fill(COLLEAGUE)
    why.get_by_role("button", name="Explain").click()
    expect(why.get_by_role("status")).to_contain_text("does not see this")
    page.get_by_role("button", name="Grant", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("To whom").fill("data")
    page.get_by_role("option", name="data-team").click()
    dialog.get_by_role("button", name="Reader").click()
    shot(page, "grant")
    dialog.get_by_role("button", name="Grant").click()
    expect(row(page.get_by_role("table", name="Grants"), "data-team")).to_contain_text("SELECT")
    expect(why.get_by_role("list", name="Because")).to_contain_text("as a member of data-team")
    shot(page, "permissions", full=True)

    mia.goto(explore)
    mia.get_by_label("Search by name").fill("lak")
    mia.get_by_role("list", name="Found").get_by_role("link", name="lake", exact=True).click()
    expect(mia.get_by_text("What was measured")).to_be_visible()
    mia.get_by_role("table", name="Schemas").get_by_role("link", name="raw").click()
    tab(mia, "Permissions")
    expect(row(mia.get_by_role("table", name="Grants"), "data-team")).to_contain_text("catalog lake")
    assert mia.get_by_role("button", name="Grant", exact=True).count() == 0

    tab_to(page, "treeitem", "lake")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/data/lake/default")


STATEMENT = """async ([workspace, statement]) => {
  const session = await (await fetch('/api/2.0/tarn/session')).json()
  const ask = async (path, body) => (await fetch(path, {
    method: body ? 'POST' : 'GET', body: body && JSON.stringify(body),
    headers: {'x-databricks-workspace-id': workspace, 'x-csrf-token': session.csrf_token, 'content-type': 'application/json'}})).json()
  const [warehouse] = (await ask('/api/2.0/sql/warehouses')).warehouses
  let answer = await ask('/api/2.0/sql/statements', {statement, warehouse_id: warehouse.id, wait_timeout: '50s'})
  while (['PENDING', 'RUNNING'].includes(answer.status?.state)) {
    await new Promise((then) => setTimeout(then, 300))
    answer = await ask(`/api/2.0/sql/statements/${answer.statement_id}`)
  }
  return answer.status?.error?.message ?? answer.status?.state ?? JSON.stringify(answer)
}"""


def test_a_colleague_sees_a_masked_column_and_the_files_that_were_granted(story, visit):
    data = f"/w/{story.workspace}/explore"
    page, mia = visit("ada"), visit("mia")
    page.goto(f"{data}/data/lake/raw")
    for statement in (
        "CREATE TABLE lake.raw.people AS SELECT 'Ann' AS name, '123-45-6789' AS ssn",
        f"CREATE FUNCTION lake.raw.last_four(s STRING) RETURN CASE WHEN current_user() = '{ADMIN}' THEN s ELSE concat('***-', right(s, 4)) END",
        "ALTER TABLE lake.raw.people ALTER COLUMN ssn SET MASK lake.raw.last_four",
    ):
        assert page.evaluate(STATEMENT, [story.workspace, statement]) == "SUCCEEDED", statement
    for somebody, shown, hidden in ((mia, "***-6789", "123-45-6789"), (page, "123-45-6789", "***")):
        somebody.goto(f"{data}/data/lake/raw/people")
        expect(row(somebody.get_by_role("table", name="Columns"), "ssn")).to_contain_text("lake.raw.last_four")
        tab(somebody, "Sample data")
        somebody.get_by_role("button", name="Show 100 rows").click()
        rows = somebody.get_by_role("table", name="Sample data")
        expect(rows).to_contain_text(shown, timeout=120_000)
        expect(rows).not_to_contain_text(hidden)
        shot(somebody, "masked" if somebody is mia else "unmasked")

    page.goto(f"{data}/data/lake/raw?tab=volumes")
    page.get_by_role("button", name="Create volume").click()
    page.get_by_role("dialog").get_by_label("Name").fill("landing")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_text("No files yet")).to_be_visible()
    page.get_by_role("button", name="New folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("may 2026")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    page.get_by_role("link", name="may 2026").click()
    page.get_by_role("button", name="Upload").click()
    page.locator("input[type=file]").set_input_files({"name": "50% & more.csv", "mimeType": "text/csv", "buffer": b"id,depth\n1,17\n"})
    page.get_by_role("dialog").get_by_role("button", name="Upload", exact=True).click()
    expect(row(page.get_by_role("table", name="Files"), "50% & more.csv")).to_contain_text("14 B")
    shot(page, "volume")
    mia.goto(f"{data}/data/lake/raw")
    mia.get_by_role("treeitem", name="landing").click()
    mia.get_by_role("link", name="may 2026").click()
    with mia.expect_download() as download:
        mia.get_by_role("link", name="50% & more.csv").click()
    assert Path(download.value.path()).read_bytes() == b"id,depth\n1,17\n"
    assert mia.get_by_role("button", name=re.compile("Upload|New folder|Delete")).count() == 0


def written(page):
    return page.locator(".cm-content").evaluate("node => [...node.querySelectorAll('.cm-line')].map(line => line.textContent).join('\\n')")


def write(page, text):
    """Replaces the text of the tab, as one types: brackets and quotes close themselves."""
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(text)


def test_an_analyst_writes_runs_and_draws(story, visit):
    page = visit("ada")
    page.goto(f"/w/{story.workspace}")
    page.get_by_role("link", name="SQL Editor").click()
    text = page.get_by_role("textbox", name="Text of Query 1")
    text.click()
    page.keyboard.type("select * from samples.tpch.na")
    offered = page.locator(".cm-tooltip-autocomplete")
    expect(offered.get_by_role("option", name="nation")).to_be_visible()
    shot(page, "sql-completion")
    page.keyboard.press("Enter")
    page.keyboard.type(" where n_regionkey = :region")
    page.keyboard.press("Escape")
    page.get_by_label("Type of region").select_option("number")
    page.get_by_label(":region").fill("1")

    page.get_by_role("treeitem", name="samples").locator(".twist").click()
    page.get_by_role("treeitem", name="tpch").locator(".twist").click()
    nation = page.get_by_role("treeitem", name="nation")
    nation.locator(".twist").click()
    text.click()
    page.keyboard.press("End")
    page.keyboard.type(" order by")
    page.keyboard.press("Escape")
    page.get_by_role("treeitem", name=re.compile("^n_name")).locator(".name").click()
    expect(text).to_be_focused()
    assert written(page) == "select * from samples.tpch.nation where n_regionkey = :region order by n_name"

    page.keyboard.press("ControlOrMeta+Enter")
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", "6", timeout=120_000)
    cells = grid.locator("[data-column='1']")
    expect(cells).to_have_text(["ARGENTINA", "BRAZIL", "CANADA", "PERU", "UNITED STATES"])
    shot(page, "sql-editor")
    page.get_by_role("button", name="Column n_name").click()
    page.get_by_role("menuitem", name="Sort descending").click()
    expect(cells).to_have_text(["UNITED STATES", "PERU", "CANADA", "BRAZIL", "ARGENTINA"])
    page.get_by_role("button", name="Column n_name").click()
    page.get_by_role("menuitem", name="Filter…").click()
    page.get_by_role("dialog").get_by_label("Value").fill("an")
    page.get_by_role("dialog").get_by_role("button", name="Filter").click()
    expect(cells).to_have_text(["CANADA"])
    page.get_by_role("button", name="Remove filter on n_name").click()
    page.get_by_role("button", name="Column n_comment").click()
    page.get_by_role("menuitem", name="Statistics").click()
    expect(page.get_by_role("dialog")).to_contain_text("Over all 5 rows")
    shot(page, "sql-statistics")
    page.keyboard.press("Escape")
    for kind, suffix in (("CSV", "csv"), ("Excel", "xlsx")):
        page.get_by_role("button", name="Download").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=kind).click()
        assert download.value.suggested_filename.endswith(f".{suffix}")
        content = Path(download.value.path()).read_bytes()
        if suffix == "csv":
            names = [line[1] for line in csv.reader(io.StringIO(content.decode()))]
            assert names == ["n_name", "UNITED STATES", "PERU", "CANADA", "BRAZIL", "ARGENTINA"]
        else:
            sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
            assert re.findall(r"<t[^>]*>(ARGENTINA|PERU)</t>", sheet) == ["PERU", "ARGENTINA"]
            assert "<c><v>1</v></c>" in sheet
    page.get_by_role("radiogroup", name="Shown as").get_by_text("Chart").click()
    expect(page.get_by_role("img", name=re.compile("bar chart")).locator("canvas")).to_be_visible()
    shot(page, "sql-chart")
    page.get_by_role("button", name="Show code").click()
    expect(page.get_by_role("dialog")).to_contain_text('StatementParameterListItem(name="region", value="1", type="INT")')
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.keyboard.press("Alt+Shift+N")
    expect(page.get_by_role("tab", name="Query 2")).to_have_attribute("aria-selected", "true")
    write(page, "SELECT 1 AS one;\nSELECT n_name,\n  nope\nFROM samples.tpch.nation")
    page.keyboard.press("ControlOrMeta+Shift+Enter")
    expect(page.get_by_role("alert")).to_contain_text("nope", timeout=60_000)
    expect(page.locator(".cm-lintRange-error")).to_have_text("nope")
    results = page.get_by_role("tablist", name="Results").get_by_role("tab")
    expect(results).to_have_count(2)
    shot(page, "sql-mistake")
    results.first.click()
    expect(page.get_by_role("gridcell", name="1", exact=True)).to_be_visible()
    write(page, "select a,b from t where x=1")
    page.keyboard.press("Alt+Shift+F")
    expect(page.locator(".cm-line").first).to_have_text("SELECT")
    write(page, "SELECT max(a.id * b.id) FROM range(1000000) a CROSS JOIN range(1000000) b")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.get_by_role("heading", name="Running")).to_be_visible()
    page.keyboard.press("Alt+Shift+X")
    expect(page.get_by_role("heading", name=re.compile("Canceled"))).to_be_visible()

    page.reload()
    expect(page.get_by_role("tab", name="Query 2")).to_have_attribute("aria-selected", "true")
    assert "CROSS JOIN" in written(page)
    page.get_by_role("tab", name="Query 1").click()
    expect(grid.locator("[data-column='1']")).to_have_text(["ARGENTINA", "BRAZIL", "CANADA", "PERU", "UNITED STATES"])
    page.get_by_role("tab", name="Query 1").press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Alt")
    page.wait_for_timeout(300)
    assert violations(page) == []
    shot(page, "sql-keys")
    page.keyboard.press("Escape")
    mia = visit("mia", NARROW, "dark")
    mia.goto(f"/w/{story.workspace}/sql")
    write(mia, "SELECT name, ssn FROM lake.raw.people")
    mia.get_by_role("button", name="Run", exact=True).click()
    expect(mia.get_by_role("gridcell", name="***-6789")).to_be_visible(timeout=60_000)
    assert violations(mia) == []
    shot(mia, "sql-narrow", full=True)


def test_who_is_disabled_is_out_at_once(story, visit):
    mia = visit("mia")
    mia.goto("/workspaces")
    expect(mia.get_by_role("main").get_by_role("heading", name="dev")).to_be_visible()
    page = visit("ada")
    page.goto(f"/users/{story.user}")
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("button", name="Enable")).to_be_visible()
    mia.get_by_role("link", name="Your settings").click()
    expect(mia.get_by_text(re.compile("is deactivated|^Sign in$")).first).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("button", name="Disable")).to_be_visible()


PAGES = [
    "/workspaces", "/workspaces/new", "/workspaces/new/quickstart", "/workspaces/new/manual", "/workspaces/{workspace}",
    "/stacks", "/stacks/{stack}", "/cloud-resources/credentials", "/cloud-resources/storage", "/cloud-resources/networks",
    "/cloud-resources/vpc-endpoints", "/cloud-resources/private-access", "/cloud-resources/keys", "/users", "/users/{user}",
    "/groups", "/groups/{group}", "/service-principals", "/settings", "/w/{workspace}", "/w/{workspace}/tokens", "/w/{workspace}/sql", "/w/{workspace}/explore",
    "/w/{workspace}/explore/data/lake", "/w/{workspace}/explore/data/lake/raw?tab=details",
    "/w/{workspace}/explore/data/lake/raw/people", "/w/{workspace}/explore/data/lake/raw?tab=volumes",
    "/w/{workspace}/explore/volumes/lake/raw/landing", "/w/{workspace}/explore/data/lake?tab=permissions", "/w/{workspace}/explore/data/samples/tpch/nation", "/nowhere",
]


def violations(page):
    page.evaluate(AXE.read_text())  # not as a script of the page: its policy would refuse it
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def settled(page):
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)


@pytest.mark.parametrize(("size", "scheme"), [
    pytest.param(WIDE, "light", id="1280-light"), pytest.param(NARROW, "dark", id="390-dark"),
    pytest.param(WIDE, "dark", id="1280-dark", marks=pytest.mark.long), pytest.param(NARROW, "light", id="390-light", marks=pytest.mark.long)])
def test_every_page_can_be_used_by_everybody(story, visit, size, scheme):
    page = visit("ada", size, scheme)
    page.goto("/stacks")
    stack = page.get_by_role("table").get_by_role("link").first.inner_text()
    names = {"workspace": story.workspace, "user": story.user, "group": story.group, "stack": stack}
    wrong = {}
    for path in PAGES:
        page.goto(path.format(**names))
        settled(page)
        found = violations(page)
        across = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if across > 0:
            found.append(f"{across} px wider than the window")
        if found:
            wrong[path] = found
        name = path.strip("/").replace("/", "-").translate({ord("{"): None, ord("}"): None, ord("?"): "-"}) or "start"
        shot(page, f"{scheme}-{size['width']}-{name}")
    page.goto("/users")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(300)
    if found := violations(page):
        wrong["dialog"] = found
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Show code").click()
    expect(page.get_by_role("dialog")).to_contain_text("AccountClient")
    page.wait_for_timeout(300)
    if found := violations(page):
        wrong["code"] = found
    nobody = visit(None, size, scheme)
    for path in ["/login", "/sign-up", "/sign-up#not-a-token"]:
        nobody.goto(path)
        settled(nobody)
        if found := violations(nobody):
            wrong[path] = found
    assert wrong == {}


def tab_to(page, role, name, most=60):
    """Only with the Tab key, as who has no mouse."""
    wanted = page.get_by_role(role, name=name).first
    expect(wanted).to_be_visible()
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("node => node === document.activeElement"):
            return wanted
    raise AssertionError(f"no {role} {name!r} within {most} tabs")


def test_the_keyboard_alone_is_enough(story, visit):
    page = visit()
    page.goto("/login")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type(ADMIN)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/workspaces")
    tab_to(page, "link", "Create workspace")
    page.keyboard.press("Enter")
    tab_to(page, "link", "Quickstart")
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "Workspace name")
    page.keyboard.type("keys")
    tab_to(page, "checkbox", re.compile("acknowledge"))
    page.keyboard.press("Space")
    tab_to(page, "button", "Create stack")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Open workspace")).to_be_visible(timeout=180_000)
    tab_to(page, "link", "Users")
    page.keyboard.press("Enter")
    invite = tab_to(page, "button", "Invite")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("E-mail")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(invite).to_be_focused()
    tab_to(page, "button", re.compile("Ada"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Settings")).to_be_visible()
    page.keyboard.press("Escape")


def test_a_stack_that_fails_says_why_and_one_that_is_deleted_is_gone(story, visit):
    page = visit("ada")
    page.goto("/workspaces/new/quickstart")
    page.get_by_label("Workspace name").fill("dev")  # taken
    page.get_by_label("I acknowledge").check()
    page.get_by_role("button", name="Create stack").click()
    expect(page.get_by_role("alert")).to_contain_text("dev", timeout=120_000)
    page.goto("/workspaces")
    page.get_by_role("link", name="keys", exact=True).click()
    expect(page.get_by_role("heading", name="keys")).to_be_visible()
    page.goto("/stacks")
    row(page, "keys").get_by_role("link").first.click()
    page.get_by_role("button", name="Delete stack").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete stack").click()
    expect(page.get_by_text("DELETE COMPLETE").first).to_be_visible(timeout=120_000)
    page.goto("/workspaces")
    expect(page.get_by_role("link", name="keys", exact=True)).to_have_count(0)
