(() => {
  "use strict";
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const one = (what, within = document) => within.querySelector(what);
  document.documentElement.classList.add("js");

  // Sorting: a button in each heading of a sortable table.
  const valueOf = (cell) => {
    const text = (cell?.dataset.v ?? cell?.textContent ?? "").trim();
    const number = Number(text.replaceAll(",", ""));
    return text === "" || Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b));
  };
  const sortBy = (table, heading) => {
    const at = heading.cellIndex;
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const numeric = rows.some((row) => typeof valueOf(row.cells[at]) === "number");
    const was = heading.getAttribute("aria-sort");
    const downward = was ? was === "ascending" : numeric;
    all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", downward ? "descending" : "ascending");
    const keyed = rows.map((row) => [valueOf(row.cells[at]), row]);
    keyed.sort(([a], [b]) => (a === "" || b === "" || !downward ? compare(a, b) : compare(b, a)));
    body.append(...keyed.map(([, row]) => row));
  };
  for (const table of all("table.sortable")) {
    for (const heading of all("thead th", table)) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sortBy(table, heading));
    }
  }

  // Searching: rows whose text has what is looked for.
  for (const field of all("input[data-search]")) {
    const table = document.getElementById(field.dataset.search);
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase();
      for (const row of table.tBodies[0].rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
      }
    });
  }

  // Choosing: what is picked anywhere decides which exchanges are listed.
  const table = document.getElementById("listed");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const bar = document.getElementById("chosen");
  const count = document.getElementById("shown");
  const picked = { user: null, address: null, outcome: null, action: null, text: "", bars: null, took: null };
  const names = { user: "user", address: "address", outcome: "outcome", action: "action" };
  const hits = all(".hit[data-b]");
  const labelOf = (bar) => one(`#rate .hit[data-b="${bar}"] title`)?.textContent.split(",")[0] ?? "";
  const known = new Map(rows.map((row) => {
    const [, client, action, user, outcome, ms] = [...row.cells].map((cell) => cell.textContent);
    return [row, {
      user,
      action,
      address: client.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""),
      outcome: one(".tag", row).textContent,
      ms: ms === "" ? null : Number(ms),
      bar: Number(row.dataset.b),
    }];
  }));

  const takes = (row) => {
    const of = known.get(row);
    const { text, bars, took } = picked;
    return Object.keys(names).every((key) => picked[key] === null || of[key] === picked[key])
      && (bars === null || (of.bar >= bars[0] && of.bar <= bars[1]))
      && (took === null || (of.ms !== null && of.ms > took[0] && of.ms <= took[1]))
      && (text === "" || row.textContent.toLowerCase().includes(text));
  };
  // Nanoseconds are more than a number holds.
  const seconds = (bar) => {
    const at = BigInt(table.dataset.start) + BigInt(table.dataset.width) * BigInt(bar);
    return `${at / 1000000000n}.${String(at % 1000000000n).padStart(9, "0")}`;
  };
  const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"")}"`;
  const command = () => {
    const parts = [];
    const { user, address, outcome, action, bars } = picked;
    const prefix = table.dataset.prefix;
    if (user !== null) parts.push(`${prefix}.user == ${quoted(user)}`);
    if (action !== null) parts.push(`${prefix}.action == ${quoted(action)}`);
    if (address !== null) parts.push(`${address.includes(":") ? "ipv6" : "ip"}.addr == ${address}`);
    if (outcome === "success") parts.push(`${prefix}.status == 1`);
    if (outcome === "failure") parts.push(`${prefix}.status == 0`);
    if (bars !== null) {
      parts.push(`frame.time_epoch >= ${seconds(bars[0])} && frame.time_epoch < ${seconds(bars[1] + 1)}`);
    }
    return parts.length ? `authscope read --exchanges -Y '${parts.join(" && ").replaceAll("'", "'\\''")}' ${table.dataset.files}` : "";
  };
  const chip = (text, clear) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${text} ✕`;
    button.addEventListener("click", () => { clear(); apply(); });
    return button;
  };
  const apply = () => {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !takes(row);
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = shown === rows.length ? "" : `${shown} of ${rows.length} shown`;
    for (const hit of hits) {
      const at = Number(hit.dataset.b);
      hit.classList.toggle("on", picked.bars !== null && at >= picked.bars[0] && at <= picked.bars[1]);
    }
    for (const element of all("[data-pick]")) {
      const { pick, value } = element.dataset;
      const on = pick === "took" ? picked.took?.join() === value : picked[pick] !== null && picked[pick] === value;
      element.classList.toggle("on", on);
      element.setAttribute("aria-pressed", String(on));
    }
    const chips = Object.keys(names)
      .filter((key) => picked[key] !== null)
      .map((key) => chip(`${names[key]} ${picked[key]}`, () => { picked[key] = null; }));
    if (picked.bars) {
      const [from, to] = picked.bars.map(labelOf);
      chips.push(chip(from === to ? `from ${from}` : `from ${from} to ${to}`, () => { picked.bars = null; }));
    }
    if (picked.took) chips.push(chip(`took up to ${picked.took[1]} ms`, () => { picked.took = null; }));
    bar.hidden = chips.length === 0;
    if (bar.hidden) return;
    const link = document.createElement("a");
    link.href = "#exchanges";
    link.textContent = shown === 1 ? "1 exchange" : `${shown} exchanges`;
    const code = document.createElement("code");
    code.textContent = command();
    bar.replaceChildren(link, ...chips, ...(code.textContent ? [code] : []));
  };
  const pick = (element) => {
    const { pick: key, value } = element.dataset;
    if (key === "took") {
      picked.took = picked.took?.join() === value ? null : value.split(",").map(Number);
    } else {
      picked[key] = picked[key] === value ? null : value;
    }
    apply();
  };
  const press = (element, act) => {
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.addEventListener("click", act);
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      act(event);
    });
  };
  all("[data-pick]").forEach((element) => press(element, () => pick(element)));
  for (const cell of all(".heat rect")) {
    const { of, name } = cell.parentNode.dataset;
    const at = Number(cell.dataset.b);
    press(cell, () => {
      const was = picked[of] === name && picked.bars?.join() === `${at},${at}`;
      picked[of] = was ? null : name;
      picked.bars = was ? null : [at, at];
      apply();
    });
  }
  for (const hit of hits) {
    const at = Number(hit.dataset.b);
    press(hit, (event) => {
      const now = picked.bars;
      if (event.shiftKey && now) picked.bars = [Math.min(now[0], at), Math.max(now[1], at)];
      else picked.bars = now && now[0] === at && now[1] === at ? null : [at, at];
      apply();
    });
  }
  one("input[data-filter]")?.addEventListener("input", (event) => {
    picked.text = event.target.value.toLowerCase();
    apply();
  });
})();
