/* Draws the page from its data, which src/host/page.c describes. Nothing is fetched, nothing is stored.
 *
 * Three parts: tables and findings; the timeline's model (a trace's text to events, lanes and states, and two
 * traces brought side by side); its view. What is long is drawn when it is looked at: 500 findings are rows of
 * an array until then. */
"use strict";
(() => {
const D = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);

/* An element: attributes by name, on* for listeners, then children: nodes, texts, lists of these. */
function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
        if (name.startsWith("on"))
            element.addEventListener(name.slice(2), value);
        else if (value === true)
            element.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined)
            element.setAttribute(name, value);
    }
    element.append(...children.flat(9).filter(child => child !== null && child !== undefined && child !== false));
    return element;
}
const SVG = "http://www.w3.org/2000/svg";
function s(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes || {}))
        element.setAttribute(name, value);
    element.append(...children);
    return element;
}
const many = (n, one, more) => n.toLocaleString("en") + " " + (n === 1 ? one : more || one + "s");

/* A text: runs of the table of lines. */
function text(runs) {
    const parts = [];
    for (let i = 0; runs && i < runs.length; i += 2)
        for (let j = 0; j < runs[i + 1]; j++)
            parts.push(D.lines[runs[i] + j]);
    return parts.join("\n");
}

const VOID = 0, HELD = 1, BROKEN = 2, SKIPPED = 3;
const SIGNS = { VOID: "·", HELD: "✓", BROKEN: "✗", SKIPPED: "–", CRASHED: "✗", TIMED_OUT: "∞", EXHAUSTED: "▲", HARNESS: "!" };
const verdictOf = name => D.verdicts.find(verdict => verdict.name === name) || { name, text: "", finding: true };
function badge(name) {
    const verdict = verdictOf(name);
    const look = verdict.finding || name === "HARNESS" ? "bad" : name === "HELD" ? "held" : "calm";
    return h("span", { class: "badge " + look, title: verdict.text },
             h("span", { "aria-hidden": "true" }, SIGNS[name] || "?"), name.replace("_", " "));
}
const invariantOf = id => D.invariants.find(row => row.id === id);
const buildIndex = name => D.builds.findIndex(build => build.name === name);

/* ------------------------------------------------------------------ what was run */

/* By invariant and build: how many plans have each verdict. */
const counts = D.invariants.map((_, i) => D.builds.map((__, j) => {
    const count = [0, 0, 0, 0];
    for (const plan of D.plans) {
        const digits = plan.runs[j].invariants;
        if (digits)
            count[+digits[i]]++;
    }
    return count;
}));

function drawHead() {
    const sum = of => counts.reduce((all, row) => all + row.reduce((n, count) => n + count[of], 0), 0);
    const checks = D.invariants.reduce((all, row) => all + row.checks.reduce((n, one) => n + one, 0), 0);
    const bad = D.plans.reduce((all, plan) =>
        all + plan.runs.filter(run => D.verdicts[run.verdict].finding && !run.known).length, 0);
    const known = D.plans.reduce((all, plan) => all + plan.runs.filter(run => run.known).length, 0);
    $("lead").textContent = "pyzap " + D.pyzap + " ran " + many(D.plans.length, "plan") + " on " +
        many(D.builds.length, "build") + " of CPython and judged each run by " +
        many(D.invariants.length, "invariant") + ".";
    const tiles = [
        [D.builds.length.toLocaleString("en"), "builds", ""],
        [(D.plans.length * D.builds.length).toLocaleString("en"), "runs", ""],
        [checks.toLocaleString("en"), "single checks", ""],
        [sum(HELD).toLocaleString("en"), "times an invariant held", "good"],
        [bad.toLocaleString("en"), "runs broke something" + (known ? " (" + known + " known)" : ""), bad ? "bad" : "good"],
        [D.findings.length.toLocaleString("en"), "findings filed", D.findings.length ? "bad" : "good"],
    ];
    $("tiles").append(...tiles.map(([n, what, look]) => h("li", { class: look }, h("b", null, n), h("span", null, what))));
    $("foot").textContent = "Written by pyzap " + D.pyzap + " from " + D.builds.map(build => build.name).join(", ") +
        ". The same plans, builds and findings give the same page, byte for byte.";
    document.title = "pyzap report: " + many(D.builds.length, "build") + ", " + many(D.findings.length, "finding");
}

function drawBuilds() {
    const cards = D.builds.map((build, j) => {
        const by = {};
        for (const plan of D.plans) {
            const name = D.verdicts[plan.runs[j].verdict].name;
            by[name] = (by[name] || 0) + 1;
        }
        const colours = { HELD: "var(--green)", VOID: "var(--line)", SKIPPED: "var(--sky)" };
        const order = D.verdicts.map(verdict => verdict.name).filter(name => by[name]);
        order.sort((a, b) => (b === "HELD") - (a === "HELD"));
        const kind = [build.nogil && "free-threaded", build.debug && "debug"].filter(Boolean).join(", ");
        return h("li", null, h("b", null, build.name), kind ? h("span", { class: "chip" }, kind) : null,
            h("div", { class: "bar", "aria-hidden": "true" }, order.map(name =>
                h("i", { style: "flex:" + by[name] + ";background:" + (colours[name] || "var(--red)") }))),
            h("p", null, order.map(name => by[name] + " " + name.replace("_", " ").toLowerCase()).join(", ")),
            h("p", null, build.banner || "its worker never started"));
    });
    const broken = [];
    for (const plan of D.plans)
        plan.runs.forEach((run, j) => {
            const verdict = D.verdicts[run.verdict];
            if (verdict.finding || verdict.name === "HARNESS")
                broken.push(h("li", null, badge(verdict.name), " ", timelineLink(plan.name, j), " ",
                    run.reason || brokenOf(run).join(", "), run.known ? h("p", null, "known: ", run.known) : null));
        });
    $("builds").append(h("ul", { class: "cards" }, cards),
        broken.length ? h("details", { class: "fold", open: broken.length < 12 },
            h("summary", null, many(broken.length, "run") + " with a finding"), h("ul", { class: "cards" }, broken)) : "",
        h("details", { class: "fold" }, h("summary", null, many(D.plans.length, "plan")),
            h("ul", { class: "chips" }, D.plans.map(plan => h("li", null, timelineLink(plan.name, 0, plan.name))))));
}
const brokenOf = run => run.invariants ? D.invariants.filter((_, i) => +run.invariants[i] === BROKEN).map(row => row.id) : [];

function timelineLink(name, j, label) {
    return h("a", { class: "chip", href: timelineHash(name, D.builds[j].name, "", 0) }, label || name + " on " + D.builds[j].name);
}

/* ------------------------------------------------------------------ the matrix */

function drawMatrix() {
    const looks = [["HELD", "is-held", "checked, and true (so many plans)"], ["BROKEN", "is-broken", "checked, and false"],
                   ["VOID", "is-void", "said nothing: a precondition did not hold"],
                   ["SKIPPED", "is-skipped", "this build cannot show it"]];
    $("matrix-legend").append(...looks.map(([name, look, words]) =>
        h("li", null, h("span", { class: "key " + look, "aria-hidden": "true" }, SIGNS[name]), h("span", null, h("b", null, name.toLowerCase()), " ", words))));
    const turn = D.builds.length > 9 ? "turn" : "";
    const head = h("tr", null, h("th", { scope: "col" }, "Invariant"),
        D.builds.map(build => h("th", { scope: "col", class: turn }, h("span", null, build.name))));
    const rows = D.invariants.map((row, i) => h("tr", null,
        h("th", { scope: "row", title: row.statement }, h("b", null, row.id), row.name, h("small", null, row.statement)),
        D.builds.map((build, j) => matrixCell(i, j))));
    const table = h("table", { class: "matrix", role: "grid", "aria-label": "Invariants by build" }, h("thead", null, head), h("tbody", null, rows));
    table.addEventListener("keydown", moveInMatrix);
    table.addEventListener("click", event => {
        const cell = event.target.closest("td");
        if (cell)
            chooseCell(cell);
    });
    $("matrix-table").append(table);
    const first = table.querySelector("td");
    if (first)
        first.tabIndex = 0;
}

const lookOf = count => count[BROKEN] ? "BROKEN" : count[HELD] ? "HELD" : count[SKIPPED] && !count[VOID] ? "SKIPPED" : "VOID";
function matrixCell(i, j) {
    const count = counts[i][j], name = lookOf(count);
    const n = name === "BROKEN" ? " " + count[BROKEN] : name === "HELD" ? " " + count[HELD] : "";
    const words = D.invariants[i].id + " on " + D.builds[j].name + ": held in " + count[HELD] + ", broken in " + count[BROKEN] +
        ", void in " + count[VOID] + ", skipped in " + count[SKIPPED];
    return h("td", { class: "is-" + name.toLowerCase(), tabindex: "-1", "aria-label": words, "data-i": i, "data-j": j }, SIGNS[name] + n);
}

function moveInMatrix(event) {
    const cell = event.target.closest("td");
    if (!cell)
        return;
    const row = cell.parentNode, body = row.parentNode, at = [...row.children].indexOf(cell), y = [...body.children].indexOf(row);
    const last = row.children.length - 1, lastRow = body.children.length - 1;
    const to = { ArrowLeft: [at - 1, y], ArrowRight: [at + 1, y], ArrowUp: [at, y - 1], ArrowDown: [at, y + 1],
                 Home: [1, y], End: [last, y], PageUp: [at, y - 10], PageDown: [at, y + 10] }[event.key];
    if (event.key === "Enter" || event.key === " ") {
        chooseCell(cell);
        event.preventDefault();
    } else if (to) {
        const next = body.children[Math.max(0, Math.min(lastRow, to[1]))].children[Math.max(1, Math.min(last, to[0]))];
        cell.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
        event.preventDefault();
    }
}

function chooseCell(cell) {
    const i = +cell.dataset.i, j = +cell.dataset.j, row = D.invariants[i], build = D.builds[j], count = counts[i][j];
    for (const other of document.querySelectorAll(".matrix td[aria-selected]"))
        other.removeAttribute("aria-selected");
    cell.setAttribute("aria-selected", "true");
    const plans = verdict => D.plans.filter(plan => plan.runs[j].invariants && +plan.runs[j].invariants[i] === verdict);
    const list = (title, verdict) => count[verdict] ? h("details", { class: "fold", open: verdict === BROKEN || count[verdict] < 30 },
        h("summary", null, title + " in " + many(count[verdict], "plan")),
        h("ul", { class: "chips" }, plans(verdict).map(plan => h("li", null, timelineLink(plan.name, j, plan.name))))) : null;
    const panel = $("cell");
    panel.replaceChildren(h("h3", null, row.id + " " + row.name + " on " + build.name), h("p", null, row.statement + "."),
        h("dl", null, h("dt", null, "where it holds"), h("dd", null, row.where), h("dt", null, "who says so"), h("dd", null, row.promise),
            h("dt", null, "single checks"), h("dd", null, row.checks[j].toLocaleString("en"))),
        ...[list("Broken", BROKEN), list("Held", HELD)].filter(Boolean));
    panel.hidden = false;
}

/* ------------------------------------------------------------------ documentation */

function drawDepartures() {
    const card = feature => {
        const seen = D.builds.map((build, j) => feature.plans[j] ? h("li", { class: "chip" }, build.name, h("small", null, many(feature.plans[j], "plan"))) : null).filter(Boolean);
        const not = D.builds.filter((build, j) => !feature.plans[j]).map(build => build.name);
        return h("article", { class: "depart" }, h("h3", null, feature.text),
            h("p", null, feature.reference), seen.length ? h("ul", { class: "chips", "aria-label": "Seen on" }, seen) : null,
            not.length ? h("p", null, (seen.length ? "Not seen on " : "These plans did not show it on ") + not.join(", ") + ".") : null);
    };
    const departs = D.features.filter(feature => feature.departs), rest = D.features.filter(feature => !feature.departs);
    $("departs").append(...departs.map(card), rest.length ? h("details", { class: "fold" },
        h("summary", null, "Plans that were skipped, because they are known to crash the build, or to hang it"), rest.map(card)) : "");
}

/* ------------------------------------------------------------------ findings */

const PAGE = 40;
let shown = D.findings, drawn = 0;
const hay = D.findings.map(finding => {
    const invariant = invariantOf(finding.signature);
    return [finding.name, finding.verdict, finding.build, finding.reason, finding.signature, finding.affected,
            finding.flaky ? "flaky" : "", invariant ? invariant.name + " " + invariant.statement : ""].join(" ").toLowerCase();
});

function option(value, label) {
    return h("option", { value }, label);
}

function drawFindings() {
    const of = key => [...new Set(D.findings.map(finding => finding[key]))];
    $("filter-build").append(option("", "all"), ...of("build").map(name => option(name, name)));
    $("filter-verdict").append(option("", "all"), ...of("verdict").map(name => option(name, name.replace("_", " "))));
    for (const kind of ["input", "change"])
        $("filter").addEventListener(kind, filterFindings);
    $("filter").addEventListener("submit", event => event.preventDefault());
    $("findings-more").addEventListener("click", () => {
        const from = drawn;
        drawMore(drawn + PAGE);
        const row = $("findings-list").children[from];
        if (row)
            row.querySelector("button").focus();
    });
    $("findings-list").addEventListener("keydown", event => {
        if (!event.target.matches(".finding") || !["ArrowDown", "ArrowUp"].includes(event.key))
            return;
        const item = event.target.parentNode;
        const next = event.key === "ArrowDown" ? item.nextElementSibling : item.previousElementSibling;
        if (next)
            next.querySelector("button").focus();
        event.preventDefault();
    });
    if (D.others && D.others.length)
        $("others").append(h("details", { class: "fold" }, h("summary", null, many(D.others.length, "thing") + " in the folder that " + (D.others.length === 1 ? "is" : "are") + " no finding"),
            h("ul", null, D.others.map(other => h("li", null, h("code", null, other.name), ": ", other.why)))));
    filterFindings();
}

function filterFindings() {
    const words = $("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const build = $("filter-build").value, verdict = $("filter-verdict").value;
    shown = D.findings.filter((finding, i) => (!build || finding.build === build) &&
        (!verdict || finding.verdict === verdict) && words.every(word => hay[i].includes(word)));
    $("findings-list").replaceChildren();
    drawn = 0;
    drawMore(PAGE);
    $("filter").hidden = !D.findings.length;
    $("filter-count").textContent = !D.findings.length ? "No finding was filed." :
        shown.length === D.findings.length ? many(shown.length, "finding") :
        many(shown.length, "finding") + " of " + D.findings.length.toLocaleString("en");
}

function drawMore(to) {
    const list = $("findings-list");
    for (; drawn < Math.min(to, shown.length); drawn++)
        list.append(findingItem(shown[drawn]));
    const left = shown.length - drawn;
    $("findings-more").hidden = left === 0;
    $("findings-more").textContent = "Show " + Math.min(left, PAGE) + " more of " + left.toLocaleString("en");
}

function findingItem(finding) {
    const invariant = finding.verdict === "BROKEN" && invariantOf(finding.signature);
    const affected = (finding.affected || "").split(" ").filter(Boolean);
    const tags = [finding.flaky && "flaky", !finding.examined && "not examined", affected.length > 1 && "on " + affected.length + " builds"].filter(Boolean);
    const item = h("li", null);
    const button = h("button", { type: "button", class: "finding", "aria-expanded": "false", onclick: () => openFinding(item, finding, button) },
        h("span", null, badge(finding.verdict)), h("span", { class: "build" }, finding.build),
        h("span", { class: "sig" }, finding.signature + (invariant ? " " + invariant.name : ""),
            h("span", { class: "why" }, invariant ? invariant.statement : finding.reason)),
        h("span", { class: "tags" }, tags.join(", ")));
    item.finding = finding;
    item.append(button);
    return item;
}

function openFinding(item, finding, button) {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) {
        item.querySelector(".detail").remove();
        setHash("#findings");
    } else {
        item.append(findingDetail(finding));
        setHash("#finding=" + encodeURIComponent(finding.name));
    }
}

let ids = 0;
/* The text of the fence after a line "Stack:", as report.c writes it. */
function stackOf(report) {
    const match = /^Stack:\n\n(`{3,})\w*\n([^]*?)\n\1$/m.exec(report);
    return match ? match[2] : "";
}

function findingDetail(finding) {
    const id = "f" + ids++, report = text(finding.report), stack = stackOf(report);
    const pre = value => h("pre", { tabindex: "0" }, value);
    const tabs = [["Report", () => markdown(report)], ["Plan", () => pre(text(finding.plan))], ["Script", () => pre(text(finding.script))],
                  stack && ["Stack", () => pre(stack)], finding.trace && ["Trace", () => pre(text(finding.trace))],
                  finding.found && text(finding.found) !== text(finding.plan) && ["As found", () => pre(text(finding.found))]].filter(Boolean);
    const sources = { Report: finding.report, Plan: finding.plan, Script: finding.script, Trace: finding.trace, "As found": finding.found };
    const panels = tabs.map(([name, draw], i) => h("div", { role: "tabpanel", id: id + "p" + i, "aria-labelledby": id + "t" + i, "data-title": name, hidden: i > 0 }, draw()));
    const buttons = tabs.map(([name], i) => h("button", { type: "button", role: "tab", id: id + "t" + i, "aria-controls": id + "p" + i,
        "aria-selected": String(i === 0), tabindex: i ? "-1" : "0", onclick: () => choose(i) }, name));
    function choose(at) {
        buttons.forEach((one, i) => {
            one.setAttribute("aria-selected", String(i === at));
            one.tabIndex = i === at ? 0 : -1;
            panels[i].hidden = i !== at;
        });
    }
    const list = h("div", { role: "tablist", "aria-label": "About this finding", onkeydown: event => {
        const at = buttons.indexOf(document.activeElement), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (at < 0 || !step)
            return;
        const to = (at + step + buttons.length) % buttons.length;
        choose(to);
        buttons[to].focus();
        event.preventDefault();
    } }, buttons);
    const copy = h("button", { type: "button", class: "copy", onclick: () => {
        const at = buttons.findIndex(one => one.getAttribute("aria-selected") === "true");
        copyText(sources[tabs[at][0]] ? text(sources[tabs[at][0]]) : stack, panels[at], copy);
    } }, "Copy");
    const events = finding.trace && text(finding.trace).trim().split("\n").length > 1;
    const timeline = events ? h("button", { type: "button", class: "copy", onclick: () => { location.hash = timelineHash("finding " + finding.name, finding.build, "", 0); } }, "Timeline") : null;
    const affected = (finding.affected || "").split(" ").filter(Boolean);
    return h("div", { class: "detail" },
        h("div", { class: "tabs" }, list, copy, timeline),
        affected.length ? h("ul", { class: "chips", "aria-label": "Affected builds" }, affected.map(name => h("li", { class: "chip" }, name))) : null, panels);
}

function copyText(value, panel, button) {
    const done = () => {
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
    };
    const select = () => getSelection().selectAllChildren(panel);
    if (navigator.clipboard && isSecureContext)
        navigator.clipboard.writeText(value).then(done, select);
    else
        select();
}

/* ------------------------------------------------------------------ Markdown, as report.c writes it */

function inline(line) {
    const out = [];
    let plain = "";
    const flush = () => { if (plain) out.push(plain); plain = ""; };
    for (let i = 0; i < line.length; i++) {
        const rest = line.slice(i), code = /^(`+)(.+?)\1/.exec(rest), bold = /^\*\*(.+?)\*\*/.exec(rest);
        if (line[i] === "\\" && i + 1 < line.length) {
            plain += line[++i];
        } else if (code || bold) {
            flush();
            out.push(code ? h("code", null, code[2]) : h("b", null, inline(bold[1])));
            i += (code || bold)[0].length - 1;
        } else {
            plain += line[i];
        }
    }
    flush();
    return out;
}

function cells(line) {
    return line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map(cell => inline(cell.trim()));
}

function markdown(source) {
    const out = h("div", { class: "md" }), lines = source.split("\n");
    for (let i = 0; i < lines.length; i++) {
        const line = lines[i], fence = /^(`{3,})\w*$/.exec(line), head = /^(#{1,4}) (.*)/.exec(line);
        const take = test => {
            const from = i;
            while (i + 1 < lines.length && test(lines[i + 1]))
                i++;
            return lines.slice(from, i + 1);
        };
        if (fence) {
            const body = take(next => next !== fence[1]).slice(1);
            i++;
            out.append(h("pre", { tabindex: "0" }, body.join("\n")));
        } else if (head) {
            out.append(h(head[1].length === 1 ? "h3" : "h4", null, inline(head[2])));
        } else if (line.startsWith("<details>")) {
            take(next => next !== "</details>");
            i++;
            out.append(h("p", { class: "no-print" }, "The script is under “Script”."));
        } else if (line.startsWith("|")) {
            const [names, , ...body] = take(next => next.startsWith("|"));
            out.append(h("table", null, h("tr", null, cells(names).map(cell => h("th", null, cell))),
                body.map(row => h("tr", null, cells(row).map(cell => h("td", null, cell))))));
        } else if (line.startsWith("- ")) {
            out.append(h("ul", null, take(next => next.startsWith("- ")).map(one => h("li", null, inline(one.slice(2))))));
        } else if (line.trim()) {
            out.append(h("p", null, inline(take(next => next.trim() && !/^(#|`{3}|\||- |<details>)/.test(next)).join(" "))));
        }
    }
    return out;
}

/* ------------------------------------------------------------------ the timeline's model */

/* States of names, and of objects. */
const ABSENT = 0, BOUND = 1, NONE = 2, MISSING = 3, GONE = 4;
const NOT_YET = 0, ALIVE = 1, DYING = 2, DEAD = 3;
const STATE_WORDS = ["not there", "bound", "None", "missing", "gone with its namespace"];
const OWN = new Set(["__name__", "__doc__", "__package__", "__loader__", "__spec__", "__file__", "__builtins__"]);
const STATES = new Set(["before", "after", "del", "del-end", "cnode", "look-all"]);
/* What only some builds can see (oracle/observer.def): where one of two cannot, its silence says nothing. */
const SEEN_BY = { "set-none": "sets", store: "sets", unbind: "sets", empty: "dict-gone", "empty-end": "dict-gone", "dict-gone": "dict-gone",
                  destroy: "destroy", unraisable: "unraisable", unlisted: "ends" };

const splitNames = list => !list || list === "-" ? [] : list.match(/(?:[^,(]|\([^)]*\))+/g);

/* One line of a trace (oracle/trace.c): no field is left out, and no value holds a space. */
function parseEvent(line) {
    const [kind, ...fields] = line.trim().split(" "), event = { kind, line: line.trim(), depth: (line.length - line.trimStart().length) / 2 };
    for (const field of fields) {
        const equals = field.indexOf("=");
        if (equals > 0)
            event[field.startsWith("kind=") ? "what" : field.slice(0, equals)] = field.slice(equals + 1);
        else if (/^m\d+$/.test(field))
            event.m = field;
        else if (/^o\d+$/.test(field))
            event.o = field;
    }
    if (kind === "cut")
        event.line = line;
    if (event.bound !== undefined) {
        event.bound = splitNames(event.bound);
        event.none = splitNames(event.none);
    }
    return event;
}

/* A trace with what its lanes are at each event. Entries, which are before all, are the state at the start. */
function model(source, lines) {
    const all = lines.split("\n").filter(line => line.trim()).map(parseEvent);
    const entries = all.filter(event => event.kind === "entry"), events = all.filter(event => event.kind !== "entry");
    const lanes = new Map(), marks = events.map(() => new Map());
    const lane = (key, make) => {
        if (!lanes.has(key))
            lanes.set(key, Object.assign({ key, states: new Uint8Array(events.length + 1), at: 0 }, make));
        return lanes.get(key);
    };
    const named = (m, name) => lane(m + "." + name, { type: "name", module: m, name, state: ABSENT, value: "" });
    const object = o => lane(o, { type: "object", o, state: NOT_YET });
    const isOwn = (m, name) => OWN.has(name) && !((source.modules[+m.slice(1)] || { names: [] }).names.includes(name));
    for (const entry of entries) {
        const it = named(entry.m, entry.name);
        it.state = entry.seen === "none" ? NONE : BOUND;
        it.value = entry.o || "";
        if (entry.o)
            object(entry.o).state = ALIVE;
    }
    for (const event of events)
        if (event.o && event.kind !== "spawn")
            object(event.o).state = object(event.o).state || ALIVE;
    for (const event of events) {
        if (event.o)
            object(event.o);
        if (event.m && event.name && event.name !== "other")
            named(event.m, event.name);
        for (const name of [...(event.bound || []), ...(event.none || [])])
            if (name !== "other" && event.m)
                named(event.m, name);
    }
    const ofModule = m => [...lanes.values()].filter(it => it.type === "name" && it.module === m);
    events.forEach((event, i) => {
        if (STATES.has(event.kind) && event.m) {
            for (const it of ofModule(event.m)) {
                if (event.gone)
                    it.state = GONE;
                else
                    it.state = event.bound.includes(it.name) ? BOUND : event.none.includes(it.name) ? NONE : it.state === ABSENT ? ABSENT : MISSING;
            }
        }
        const name = event.m && event.name && event.name !== "other" ? named(event.m, event.name) : null;
        if (name) {
            if (event.kind === "set-none")
                name.state = NONE;
            else if (event.kind === "store")
                name.state = BOUND;
            else if (event.kind === "unbind" || event.kind === "trap")
                name.state = MISSING;
            else if (event.kind === "look" && name.state !== GONE)
                name.state = { bound: BOUND, none: NONE, missing: name.state === ABSENT ? ABSENT : MISSING }[event.seen];
            marks[i].set(name.key, event.kind);
        }
        if (event.kind === "empty" || event.kind === "dict-gone")
            for (const it of ofModule(event.m))
                it.state = event.kind === "empty" ? (it.state === ABSENT ? ABSENT : MISSING) : GONE;
        if (event.o) {
            const it = object(event.o);
            const to = { del: DYING, "del-end": ALIVE, resurrect: ALIVE, free: DEAD, cnode: DEAD, spawn: ALIVE, poked: ALIVE }[event.kind];
            if (to !== undefined)
                it.state = to;
            marks[i].set(it.key, event.kind);
        }
        for (const it of lanes.values())
            it.states[i] = it.state;
    });
    const list = [...lanes.values()];
    for (const it of list)
        it.isOwn = it.type === "name" && isOwn(it.module, it.name);
    const names = list.filter(it => it.type === "name"), objects = list.filter(it => it.type === "object");
    names.sort((a, b) => a.module.localeCompare(b.module));
    objects.sort((a, b) => +a.o.slice(1) - +b.o.slice(1));
    return { events, marks, names, objects };
}

/* What two events have to agree in: all that is not a count of references, and of a state, the names that the
 * plan speaks of, because what else a module has differs from version to version. */
function strict(event, shared) {
    const keep = names => names.filter(name => shared.has(name)).sort().join(",");
    return Object.entries(event).filter(([key]) => !["line", "depth", "refs", "size", "at"].includes(key))
        .map(([key, value]) => key + "=" + (Array.isArray(value) ? keep(value) : value)).join(" ");
}
const loose = event => event.kind + " " + (event.m || "") + " " + (event.o || "") + " " + (event.name || "") + " " + (event.call || "");

/* The longest common sequence of two lists, as pairs of indices. */
function pairs(a, b) {
    let from = 0, endA = a.length, endB = b.length;
    while (from < endA && from < endB && a[from] === b[from])
        from++;
    while (endA > from && endB > from && a[endA - 1] === b[endB - 1]) {
        endA--;
        endB--;
    }
    const out = [], n = endA - from, m = endB - from;
    for (let i = 0; i < from; i++)
        out.push([i, i]);
    if (n * m <= 4e6) {
        const w = m + 1, best = new Uint16Array((n + 1) * w);
        for (let i = n - 1; i >= 0; i--)
            for (let j = m - 1; j >= 0; j--)
                best[i * w + j] = a[from + i] === b[from + j] ? best[(i + 1) * w + j + 1] + 1 : Math.max(best[(i + 1) * w + j], best[i * w + j + 1]);
        for (let i = 0, j = 0; i < n && j < m;) {
            if (a[from + i] === b[from + j])
                out.push([from + i++, from + j++]);
            else if (best[(i + 1) * w + j] >= best[i * w + j + 1])
                i++;
            else
                j++;
        }
    }
    for (let i = 0; i < a.length - endA; i++)
        out.push([endA + i, endB + i]);
    return out;
}

/* Columns of one or two traces: which event of each, if any, and whether the two differ there. */
function columnsOf(one, two, sees) {
    if (!two)
        return one.events.map((_, i) => ({ at: [i], differs: false }));
    const own = (side, event) => event.m && event.name && !side.names.some(it => it.key === event.m + "." + event.name);
    const shared = new Set(one.names.filter(it => two.names.some(other => other.key === it.key)).map(it => it.name));
    const found = pairs(one.events.map(loose), two.events.map(loose)), columns = [];
    let i = 0, j = 0;
    const gap = (at, event, other, otherSees) => columns.push({ at, differs: !own(other, event) && !(SEEN_BY[event.kind] && !otherSees.includes(SEEN_BY[event.kind])) });
    for (const [x, y] of [...found, [one.events.length, two.events.length]]) {
        for (; i < x; i++)
            gap([i, null], one.events[i], two, sees[1]);
        for (; j < y; j++)
            gap([null, j], two.events[j], one, sees[0]);
        if (x < one.events.length) {
            columns.push({ at: [x, y], differs: strict(one.events[x], shared) !== strict(two.events[y], shared) });
            i = x + 1;
            j = y + 1;
        }
    }
    return columns;
}

/* ------------------------------------------------------------------ an event in words */

function wordsFor(source, trace) {
    const label = o => {
        const at = +String(o).slice(1), object = source.objects[at];
        return !o ? "something else" : object ? object.label && object.label !== o ? object.label : o : o + " (made by a script)";
    };
    const modules = source.modules.length;
    const module = m => (source.modules[+String(m).slice(1)] || {}).label || m;
    const name = e => (modules > 1 ? module(e.m) + "." : "") + e.name;
    const by = e => ({ interpreter: "the interpreter", route: "the route", key: "the key’s own __hash__", "-": "a script" })[e.by] || "the script of " + label(e.by);
    const held = e => e.seen === "missing" ? "; the name is new" : e.o ? "; it held " + label(e.o) + (e.refs === "1" ? ", whose last reference this is" : "") : "";
    const how = { refcount: "its last reference is gone", gc: "the collector found it", "gc-clear": "the collector cleared what held it", call: "somebody called it" };
    const state = e => e.gone ? "its namespace is gone" : e.bound.length + " bound, " + e.none.length + " None";
    const words = {
        route: e => "The route begins: " + (D.routes[e.what] || e.what),
        "route-end": e => "The route is over" + (e.pending === "yes" ? ", with an exception pending" : ""),
        before: e => "Before: " + module(e.m) + " has " + state(e),
        after: e => "After: " + module(e.m) + " has " + state(e),
        wipe: e => e.m ? "The clearing of " + module(e.m) + "’s namespace begins" + ({ first: " (first call)", second: " (second call)" }[e.call] || "") : "The clearing of " + e.call + " begins",
        "wipe-end": e => "The clearing of " + (e.m ? module(e.m) + "’s namespace" : e.call) + " is over",
        "set-none": e => "Pass " + e.pass + ": " + by(e) + " sets " + name(e) + " to None" + held(e),
        store: e => by(e) + " binds " + name(e) + held(e),
        unbind: e => by(e) + " deletes " + name(e) + held(e),
        empty: e => "The dict of " + module(e.m) + " is emptied" + (e.how === "call" ? " by a call" : " by the collector"),
        "empty-end": e => "The dict of " + module(e.m) + " is empty",
        "dict-gone": e => "The dict of " + module(e.m) + " is deallocated",
        "module-gone": e => "The module object " + module(e.m) + " is being deallocated",
        "module-end": e => "The module object " + module(e.m) + " is gone",
        del: e => "__del__ of " + label(e.o) + " begins: " + how[e.how] + "; " + module(e.m) + " has " + state(e),
        "del-end": e => "__del__ of " + label(e.o) + " returns" + (e.pending === "yes" ? " with an error" : ""),
        free: e => label(e.o) + " is gone: its memory is given back",
        cnode: e => "C node " + label(e.o) + " is deallocated; " + state(e),
        resurrect: e => label(e.o) + " comes back to life: its __del__ made a new reference",
        look: e => "The script of " + label(e.o) + " looks at " + name(e) + " and finds " + ({ bound: "its value", none: "None", missing: "no such name" }[e.seen]),
        "look-all": e => "The script of " + label(e.o) + " looks at all names: " + state(e),
        done: e => "The script of " + label(e.o) + " tries " + e.op + ": " + (e.worked === "yes" ? "it works" : "it fails"),
        poked: e => "A method of " + label(e.o) + " is called",
        callback: e => "The callback of weak reference " + label(e.o) + " runs",
        finally: e => "The finally block of generator " + label(e.o) + " runs",
        unraisable: e => "An exception that nobody can catch" + (e.o ? " comes out of the __del__ of " + label(e.o) : ""),
        collect: e => "A full collection begins (" + by(e) + ")",
        "collect-end": () => "The collection is over",
        spawn: e => "A script makes a new node, " + e.o,
        destroy: e => "The reference tracer: " + (e.o ? label(e.o) : e.m ? "the " + e.what + " of " + module(e.m) : "an object") + " is about to be destroyed",
        phase: e => "The end of the interpreter has got to: " + e.what,
        unlisted: e => "sys.modules forgets " + module(e.m),
        kept: e => "A script keeps " + label(e.o) + " in a list outside",
    };
    return event => {
        if (!event)
            return "Nothing: the other build does something here";
        const say = words[event.kind] ? words[event.kind](event) : D.events[event.kind] || event.line;
        return say[0].toUpperCase() === say[0] || /^[\w_]+ (is|comes)/.test(say) ? say : say[0].toUpperCase() + say.slice(1);
    };
}

/* ------------------------------------------------------------------ the timeline's view */

const T = { source: null, sides: [], columns: [], at: 0, timer: 0, width: 15 };
const LANE = 24, TOP = 20;
let isPaper = false;

/* A plan, or the trace of a finding, as what a timeline needs. */
function sourceOf(name) {
    const plan = D.plans.find(one => one.name === name);
    if (plan)
        return Object.assign({}, plan, { builds: D.builds.map((build, j) => ({ name: build.name, observers: build.observers, verdict: D.verdicts[plan.runs[j].verdict].name,
            reason: plan.runs[j].reason, trace: plan.runs[j].trace, lines: () => text(D.traces[plan.runs[j].trace]) })) });
    const finding = D.findings.find(one => "finding " + one.name === name);
    if (!finding)
        return null;
    const [head, ...rest] = text(finding.trace).split("\n"), end = rest.indexOf("");
    const sees = /sees=(\S+)/.exec(head);
    return Object.assign({}, finding, { name, words: null, builds: [{ name: finding.build, observers: sees ? sees[1].split(",") : [], verdict: finding.verdict,
        reason: finding.reason, trace: -1, lines: () => rest.slice(0, end < 0 ? rest.length : end).join("\n") }] });
}

function timelineHash(name, a, b, at) {
    const parts = ["timeline=" + encodeURIComponent(name), "a=" + encodeURIComponent(a)];
    if (b)
        parts.push("b=" + encodeURIComponent(b));
    if (at)
        parts.push("at=" + at);
    return "#" + parts.join("&");
}

function drawTimelineControls() {
    $("t-plan").append(...D.plans.map(plan => option(plan.name, plan.name)));
    $("t-plan").addEventListener("change", () => load($("t-plan").value, $("t-a").value, $("t-b").value, 0));
    for (const id of ["t-a", "t-b"])
        $(id).addEventListener("change", () => load($("t-plan").value, $("t-a").value, $("t-b").value, T.at));
    $("t-first").onclick = () => step(0);
    $("t-back").onclick = () => step(T.at - 1);
    $("t-next").onclick = () => step(T.at + 1);
    $("t-last").onclick = () => step(T.columns.length - 1);
    $("t-play").onclick = play;
    $("t-slider").oninput = () => step(+$("t-slider").value);
    $("t-first-diff").onclick = () => step(T.columns.findIndex(column => column.differs));
    $("t-diff").onclick = nextDifference;
    $("t-all").onchange = () => drawPanels();
    $("player").addEventListener("keydown", event => {
        if (event.target.matches("input, select, summary, .events button") || event.ctrlKey || event.metaKey || event.altKey)
            return;
        const act = { ArrowLeft: () => step(T.at - 1), ArrowRight: () => step(T.at + 1), Home: () => step(0), End: () => step(T.columns.length - 1),
                      d: nextDifference, D: nextDifference, p: play, P: play }[event.key];
        if (act) {
            act();
            event.preventDefault();
        }
    });
    const key = (draw, words) => h("li", null, s("svg", { viewBox: "0 0 30 16", "aria-hidden": "true" }, ...draw), words);
    const bar = (state, type) => drawBar(type, state, 1, 29, 2, 12);
    $("t-legend").append(key(bar(BOUND, "name"), "name bound"), key(bar(NONE, "name"), "name None"), key(bar(MISSING, "name"), "name missing"),
        key(bar(ALIVE, "object"), "object alive"), key(bar(DYING, "object"), "in its __del__"),
        key([s("path", { d: "M11 4l8 8M19 4l-8 8", stroke: "var(--ink)", "stroke-width": "2" })], "object freed"),
        key([s("circle", { cx: "15", cy: "8", r: "4", fill: "var(--card)", stroke: "var(--ink)", "stroke-width": "1.6" })], "a look at it"),
        key([s("rect", { x: "11", y: "1", width: "8", height: "14", fill: "var(--mark)", stroke: "var(--ink)" })], "the event you are at"),
        key([s("path", { d: "M15 3v10M11 6h8M11 10h8", stroke: "var(--red)", "stroke-width": "2" })], "the two builds differ"));
}

function load(name, a, b, at) {
    const source = sourceOf(name) || (D.plans.length ? sourceOf(D.plans[0].name) : null);
    $("choose").hidden = $("player").hidden = !source;
    if (!source)
        return;
    stop();
    T.source = source;
    if (![...$("t-plan").options].some(one => one.value === source.name))
        $("t-plan").append(option(source.name, source.name));
    $("t-plan").value = source.name;
    const builds = source.builds, index = build => builds.findIndex(one => one.name === build);
    const label = build => build.name + " (" + build.verdict.replace("_", " ") + ")";
    $("t-a").replaceChildren(...builds.map(build => option(build.name, label(build))));
    $("t-b").replaceChildren(option("", "no other"), ...builds.map(build => option(build.name, label(build))));
    const first = Math.max(0, index(a)), second = index(b);
    $("t-a").value = builds[first].name;
    $("t-b").value = second >= 0 ? b : "";
    T.sides = [first, second].filter(i => i >= 0).map(i => Object.assign({ build: builds[i] }, model(source, builds[i].lines())));
    T.columns = columnsOf(T.sides[0], T.sides[1], T.sides.map(side => side.build.observers));
    T.words = wordsFor(source);
    const start = T.columns.findIndex(column => column.at.some((i, side) => i !== null && !["route", "before", "phase"].includes(T.sides[side].events[i].kind)));
    T.at = Math.min(at || Math.max(0, start - 1), Math.max(0, T.columns.length - 1));
    $("t-slider").max = Math.max(0, T.columns.length - 1);
    tellDifferences();
    drawPanels();
    const words = source.words ? text(source.words) : "";
    $("t-plan-text").replaceChildren(h("details", { class: "fold" }, h("summary", null, "The plan, in words and as text"),
        words ? h("pre", { tabindex: "0" }, words) : "", h("pre", { tabindex: "0" }, text(source.plan))));
}

function tellDifferences() {
    const differ = T.columns.filter(column => column.differs).length, two = T.sides.length > 1;
    $("t-first-diff").hidden = $("t-diff").hidden = !two || !differ;
    if (!two)
        $("t-diffs").textContent = "";
    else if (!differ)
        $("t-diffs").textContent = T.sides[0].build.trace === T.sides[1].build.trace ? "Both builds do exactly the same." : "Both builds do the same, but for counts of references and names of their own.";
    else
        $("t-diffs").replaceChildren("The two first differ at event ", h("b", null, String(T.columns.findIndex(column => column.differs) + 1)), ", and in " + many(differ, "event") + " of " + T.columns.length + " together.");
}

const visible = side => [...side.names, ...side.objects].filter(it => it.type === "object" || !it.isOwn || $("t-all").checked);

function drawBar(type, state, from, to, y, height) {
    const w = Math.max(0, to - from), box = more => s("rect", Object.assign({ x: from, y, width: w, height, rx: 2 }, more));
    if (type === "name") {
        if (state === BOUND)
            return [box({ fill: "var(--blue)" })];
        if (state === NONE)
            return [box({ fill: "url(#p-none)", stroke: "var(--orange)", "stroke-width": 1.2 })];
        if (state === MISSING)
            return [s("line", { x1: from, x2: to, y1: y + height / 2, y2: y + height / 2, stroke: "var(--muted)", "stroke-width": 1.5, "stroke-dasharray": "1.5 4" })];
        return [];
    }
    if (state === ALIVE)
        return [s("rect", { x: from, y: y + height / 2 - 3, width: w, height: 6, rx: 2, fill: "var(--green)" })];
    if (state === DYING)
        return [box({ fill: "url(#p-dying)", stroke: "var(--red)", "stroke-width": 1.2 })];
    return [];
}

function patterns() {
    const stripe = (id, colour, angle) => s("pattern", { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(" + angle + ")" },
        s("rect", { width: 5, height: 5, fill: "var(--card)" }), s("rect", { width: 2, height: 5, fill: colour }));
    return s("svg", { width: 0, height: 0, style: "position:absolute", "aria-hidden": "true" }, s("defs", null, stripe("p-none", "var(--orange)", 45), stripe("p-dying", "var(--red)", -45)));
}

function glyph(kind, x, y) {
    const mid = y + LANE / 2, ink = "var(--ink)";
    if (kind === "free" || kind === "cnode")
        return s("path", { d: "M" + (x - 4) + " " + (mid - 4) + "l8 8m0-8l-8 8", stroke: ink, "stroke-width": 2 });
    if (kind === "look" || kind === "look-all" || kind === "poked" || kind === "done")
        return s("circle", { cx: x, cy: mid, r: 3.4, fill: "var(--card)", stroke: ink, "stroke-width": 1.5 });
    if (kind === "callback" || kind === "finally" || kind === "atexit")
        return s("path", { d: "M" + x + " " + (mid - 5) + "l5 5-5 5-5-5z", fill: "var(--purple)", stroke: ink });
    if (kind === "resurrect" || kind === "kept" || kind === "spawn" || kind === "store")
        return s("path", { d: "M" + (x - 5) + " " + (mid + 4) + "h10l-5-9z", fill: "var(--sky)", stroke: ink });
    if (kind === "unraisable" || kind === "trap" || kind === "dead-key")
        return s("path", { d: "M" + x + " " + (mid - 6) + "v7m0 2v2", stroke: "var(--red)", "stroke-width": 2.5 });
    return null;
}

function drawPanels() {
    if (!isPaper)
        T.width = Math.max(15, Math.min(34, Math.floor(($("player").clientWidth - 240) / Math.max(1, T.columns.length))));
    const width = T.width;
    $("t-panels").replaceChildren(...T.sides.map((side, at) => {
        const lanes = side.lanes = visible(side), height = TOP + lanes.length * LANE + 4, total = Math.max(1, T.columns.length) * width;
        const chart = s("svg", { width: total, height, viewBox: "0 0 " + total + " " + height, role: "img", "aria-label": "Lanes of " + side.build.name + ": " + many(lanes.length, "lane") + ", " + many(side.events.length, "event") });
        side.cursor = s("rect", { y: 0, width, height, fill: "var(--mark)", stroke: "var(--ink)", "stroke-width": 1 });
        chart.append(side.cursor);
        /* the event of this side at each column, or the last one before it */
        let last = -1;
        side.of = T.columns.map(column => { if (column.at[at] !== null && column.at[at] !== undefined) last = column.at[at]; return last; });
        T.columns.forEach((column, x) => {
            if (column.differs)
                chart.append(s("path", { d: "M" + (x + .5) * width + " 3v13m-4-9h8m-8 4h8", stroke: "var(--red)", "stroke-width": 2, fill: "none" }));
            else if (x % 5 === 4)
                chart.append(s("line", { x1: (x + .5) * width, x2: (x + .5) * width, y1: 12, y2: 17, stroke: "var(--line)", "stroke-width": 1.5 }));
            if (column.at[at] === null)
                chart.append(s("rect", { x: x * width, y: TOP, width, height: height - TOP, fill: "var(--soft)" }));
        });
        lanes.forEach((it, row) => {
            const y = TOP + row * LANE, stateAt = x => side.of[x] < 0 ? (it.type === "name" ? BOUND : ALIVE) : it.states[side.of[x]];
            for (let from = 0, to; from < T.columns.length; from = to) {
                for (to = from + 1; to < T.columns.length && stateAt(to) === stateAt(from);)
                    to++;
                chart.append(...drawBar(it.type, stateAt(from), from * width + .5, to * width - .5, y + 5, LANE - 10));
            }
            T.columns.forEach((column, x) => {
                const i = column.at[at], kind = i !== null && i !== undefined && side.marks[i].get(it.key), mark = kind && glyph(kind, (x + .5) * width, y);
                if (mark)
                    chart.append(mark);
            });
        });
        side.veil = s("rect", { y: 0, height, fill: "var(--veil)" });
        chart.append(side.veil);
        chart.addEventListener("click", event => step(Math.floor((event.clientX - chart.getBoundingClientRect().left) / width)));
        side.chart = h("div", { class: "chart" }, chart);
        side.event = h("div", { class: "event", "aria-live": at === 0 ? "polite" : "off" });
        side.space = h("div", { class: "space" });
        side.list = h("details", { class: "fold", ontoggle: () => fillList(side, at) }, h("summary", null, "All " + many(side.events.length, "event")));
        const multi = T.source.modules.length > 1;
        const labels = lanes.map((it, row) => {
            const sep = row > 0 && (it.type !== lanes[row - 1].type || it.module !== lanes[row - 1].module) ? " sep" : "";
            if (it.type === "name")
                return h("div", { class: "n mono" + sep, title: it.key }, (multi ? it.module + "." : "") + it.name);
            const object = T.source.objects[+it.o.slice(1)] || { kind: "made by a script" };
            return h("div", { class: "o" + sep, title: it.o + " " + (object.label || "") + " " + object.kind }, h("b", null, object.label || it.o), " " + object.kind);
        });
        return h("section", { class: "lane-panel", "aria-label": "CPython " + side.build.name },
            h("div", { class: "lane-head" }, h("h3", null, "CPython " + side.build.name), badge(side.build.verdict), side.build.reason ? h("span", { class: "mono" }, side.build.reason) : null),
            side.event, h("div", { class: "lanes" }, h("div", { class: "labels", "aria-hidden": "true" }, labels), side.chart), side.space, side.list);
    }));
    let busy = false;
    T.sides.forEach((side, at) => side.chart.addEventListener("scroll", () => {
        const other = T.sides[1 - at];
        if (other && !busy && other.chart.scrollLeft !== side.chart.scrollLeft) {
            busy = true;
            other.chart.scrollLeft = side.chart.scrollLeft;
            requestAnimationFrame(() => { busy = false; });
        }
    }));
    step(T.at, true);
}

function fillList(side, at) {
    if (!side.list.open || side.list.querySelector("ol"))
        return;
    const column = new Map();
    T.columns.forEach((one, x) => column.set(one.at[at], x));
    side.list.append(h("ol", { class: "events" }, side.events.map((event, i) => h("li", { style: "margin-left:" + Math.min(event.depth, 12) * .9 + "rem" },
        h("button", { type: "button", onclick: () => step(column.get(i)) }, T.words(event))))));
    markList(side);
}

function markList(side) {
    const old = side.list.querySelector("[aria-current]"), list = side.list.querySelector("ol"), now = list && list.children[side.of[T.at]];
    if (old)
        old.removeAttribute("aria-current");
    if (now) {
        now.setAttribute("aria-current", "step");
        list.scrollTop = now.offsetTop - list.offsetTop - list.clientHeight / 2;
    }
}

function step(to, isQuiet) {
    const count = T.columns.length;
    if (!count)
        return;
    T.at = Math.max(0, Math.min(count - 1, to));
    const column = T.columns[T.at], width = T.width;
    $("t-slider").value = T.at;
    $("t-where").textContent = T.at + 1 + " of " + count;
    $("t-first").disabled = $("t-back").disabled = T.at === 0;
    $("t-next").disabled = $("t-last").disabled = T.at === count - 1;
    $("t-diff").disabled = !T.columns.some((one, x) => x > T.at && one.differs);
    T.sides.forEach((side, at) => {
        const i = column.at[at], event = i === null || i === undefined ? null : side.events[i], words = T.words(event);
        side.cursor.setAttribute("x", T.at * width);
        side.veil.setAttribute("x", (T.at + 1) * width);
        side.veil.setAttribute("width", Math.max(0, (count - T.at - 1) * width));
        side.event.className = "event" + (column.differs ? " differs" : "");
        side.event.replaceChildren(h("span", { class: "n" }, event ? "event " + (i + 1) : "no event"), h("span", { class: "w" }, words), event ? h("code", { title: event.line }, event.line) : "");
        if (at === 0)
            $("t-slider").setAttribute("aria-valuetext", "event " + (T.at + 1) + " of " + count + ": " + words);
        drawSpace(side, event);
        markList(side);
        const x = T.at * width, chart = side.chart;
        if (x < chart.scrollLeft + 20 || x > chart.scrollLeft + chart.clientWidth - 60)
            chart.scrollLeft = x - chart.clientWidth / 2;
    });
    if (!isQuiet)
        setHash(timelineHash(T.source.name, $("t-a").value, $("t-b").value, T.at));
}

function drawSpace(side, event) {
    const now = side.of[T.at], modules = [...new Set(side.names.map(it => it.module))];
    side.space.replaceChildren(...modules.map(m => {
        const names = side.names.filter(it => it.module === m && (now < 0 || it.states[now] !== ABSENT));
        const of = state => names.filter(it => now >= 0 && it.states[now] === state).length;
        const label = (T.source.modules[+m.slice(1)] || {}).label || m, gone = names.length && of(GONE) === names.length;
        names.sort((a, b) => a.isOwn - b.isOwn);
        return h("div", null, h("h4", null, "Namespace of " + label + ": " + (gone ? "gone" : [[BOUND, "bound"], [NONE, "None"], [MISSING, "missing"]].filter(([state]) => of(state)).map(([state, word]) => of(state) + " " + word).join(", "))),
            h("ol", null, names.map(it => {
                const state = now < 0 ? BOUND : it.states[now], isNow = event && event.m === it.module && event.name === it.name;
                const look = ["", "bound", "none", "missing", "gone"][state];
                return h("li", { class: look + (it.isOwn ? " dull" : "") + (isNow ? " now" : ""), title: it.name + ": " + STATE_WORDS[state] }, it.name,
                    state === BOUND ? h("span", { class: "sr" }, " bound") : h("small", null, " " + ["", "", "= None", "missing", "gone"][state]));
            })));
    }));
}

function nextDifference() {
    const next = T.columns.findIndex((column, x) => x > T.at && column.differs);
    if (next >= 0)
        step(next);
}

function stop() {
    clearInterval(T.timer);
    T.timer = 0;
    $("t-play").setAttribute("aria-pressed", "false");
    $("t-play").setAttribute("aria-label", "Play");
}
function play() {
    if (T.timer) {
        stop();
        return;
    }
    if (T.at === T.columns.length - 1)
        step(0);
    $("t-play").setAttribute("aria-pressed", "true");
    $("t-play").setAttribute("aria-label", "Pause");
    T.timer = setInterval(() => {
        step(T.at + 1);
        if (T.at === T.columns.length - 1)
            stop();
    }, 700);
}

/* ------------------------------------------------------------------ addresses */

let hashTimer = 0;
/* Where the reader is, for a bookmark; not a step of the history. */
function setHash(hash) {
    clearTimeout(hashTimer);
    hashTimer = setTimeout(() => history.replaceState(null, "", hash), 250);
}

/* What is no address of ours, or only half of one, means itself. */
function decode(value) {
    try {
        return decodeURIComponent(value);
    } catch {
        return value;
    }
}

function follow() {
    const values = Object.fromEntries(location.hash.slice(1).split("&").map(part => {
        const at = part.indexOf("=");
        return at < 0 ? [part, ""] : [part.slice(0, at), decode(part.slice(at + 1))];
    }));
    if (values.timeline !== undefined) {
        load(values.timeline, values.a || "", values.b || "", +values.at || 0);
        $("timeline").scrollIntoView({ behavior: "instant" });
        $("player").focus({ preventScroll: true });
    } else if (values.finding !== undefined) {
        showFinding(values.finding);
    }
}

function showFinding(name) {
    let at = shown.findIndex(finding => finding.name === name);
    if (at < 0) {
        $("filter").reset();
        filterFindings();
        at = shown.findIndex(finding => finding.name === name);
    }
    if (at < 0)
        return;
    drawMore(at + 1);
    const item = $("findings-list").children[at], button = item.querySelector("button");
    if (button.getAttribute("aria-expanded") !== "true")
        openFinding(item, shown[at], button);
    item.scrollIntoView({ behavior: "instant" });
    button.focus({ preventScroll: true });
}

/* Which section is being read. */
function watchSections() {
    const links = new Map([...document.querySelectorAll("nav a")].map(a => [a.getAttribute("href").slice(1), a]));
    const seen = new Set();
    const observer = new IntersectionObserver(entries => {
        for (const entry of entries)
            seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
        const now = [...links.keys()].find(id => seen.has(id));
        for (const [id, a] of links)
            id === now ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current");
    }, { rootMargin: "-25% 0px -60% 0px" });
    for (const id of links.keys())
        observer.observe($(id));
}

/* On paper there is nothing to open and nothing to scroll: all rows, all events, and lanes as wide as the sheet. */
function paper(on) {
    if (on === isPaper)
        return;
    isPaper = on;
    if (on)
        drawMore(shown.length);
    T.width = Math.max(2, Math.min(15, 540 / Math.max(1, T.columns.length)));
    if (T.source) {
        drawPanels();
        for (const side of T.sides) {
            side.list.open = on;
            T.sides.forEach((one, at) => one === side && fillList(side, at));
        }
    }
    for (const fold of document.querySelectorAll("#builds details, #departs details, #cell details, #others details, #t-plan-text details"))
        fold.open = on || fold.open;
}

document.body.append(patterns());
drawHead();
drawBuilds();
drawMatrix();
drawDepartures();
drawFindings();
drawTimelineControls();
load("", "", "", 0);
watchSections();
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => paper(true));
addEventListener("afterprint", () => paper(false));
matchMedia("print").addEventListener("change", event => paper(event.matches));
if (location.hash)
    follow();
performance.mark("ready");
})();
