// Starts a collection, follows its runs to their end and then loads the page's figures again.
"use strict";
{
  const API = "/api/v1/collector";
  const POLL_MILLISECONDS = 1500;
  const READ_MILLISECONDS = 2000;
  const MOST_REASONS = 6;
  const REFUSALS = {
    daemon_silent: "지금은 시작할 수 없습니다: 실행을 맡는 Dagster 데몬이 응답하지 않습니다.",
    code_away: "지금은 시작할 수 없습니다: 코드 서버가 응답하지 않습니다.",
    dagster_away: "지금은 시작할 수 없습니다: Dagster가 응답하지 않습니다.",
  };
  const STATES = {
    queued: "차례를 기다리는 중",
    starting: "시작하는 중",
    running: "수집하는 중",
    canceling: "중단하는 중",
    success: "끝남",
    failure: "실패",
    canceled: "중단됨",
  };

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const place = (what) => `collect:${location.pathname}:${what}`;

  // A word for this click; outside of https and loopback there is no randomUUID.
  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // Everything that comes from outside is written as text.
  function tell(part, text, {reasons = [], link = null, isBad = false} = {}) {
    const line = part.querySelector(".progress");
    if (line.dataset.told === text) {
      return;
    }
    line.dataset.told = text;
    line.textContent = text;
    line.classList.toggle("bad", isBad);
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.address;
      anchor.textContent = link.name;
      line.append(" ", anchor);
    }
    part.querySelector(".collect-reasons")?.remove();
    if (reasons.length) {
      const list = document.createElement("ul");
      list.className = "collect-reasons";
      for (const reason of reasons.slice(0, MOST_REASONS)) {
        list.append(Object.assign(document.createElement("li"), {textContent: reason}));
      }
      if (reasons.length > MOST_REASONS) {
        const rest = `그 밖에 ${reasons.length - MOST_REASONS}건`;
        list.append(Object.assign(document.createElement("li"), {textContent: rest}));
      }
      part.append(list);
    }
  }

  async function ask(address, options) {
    const answer = await fetch(address, {headers: {Accept: "application/json"}, ...options});
    const body = await answer.json().catch(() => ({}));
    return {status: answer.status, ok: answer.ok, body};
  }

  function start(what) {
    return ask(`${API}/${what}`, {
      method: "POST",
      headers: {"Content-Type": "application/json", "X-Idempotency-Key": newKey()},
      body: "{}",
    });
  }

  function refused(part, {status, body}) {
    if (status === 401) {
      tell(part, "로그인이 필요합니다.", {link: {address: "/login", name: "로그인"}, isBad: true});
    } else if (status === 409) {
      tell(part, `기다리는 실행이 ${body.run_ids.length}개 있습니다. 끝난 뒤에 다시 시도해 주십시오.`, {isBad: true});
    } else {
      const told = REFUSALS[body.refusal] ?? `시작하지 못했습니다 (HTTP ${status}).`;
      tell(part, told, {isBad: true});
    }
  }

  // Why a part of a run brought nothing; undefined where there is nothing to say.
  function trouble(row) {
    const name = `${row.asset} ${row.partition}`;
    if (row.status === "failed") {
      return `${name}: 실패. ${row.reason ?? ""}`;
    }
    if (row.parts_lacking) {
      return `${name}: ${row.parts_lacking}건을 받지 못했습니다.`;
    }
    if (row.outcome === "skipped" || row.outcome === "not_yet_published") {
      return `${name}: 건너뜀. ${row.reason ?? ""}`;
    }
    return undefined;
  }

  function written(rows) {
    return rows.reduce((sum, row) => sum + (row.inserted ?? 0) + (row.updated ?? 0), 0);
  }

  function live(found) {
    const told = found.map(({run, rows}) => {
      const done = rows.filter((row) => row.status !== "running");
      const now = rows.find((row) => row.status === "running");
      const where = now ? `, 지금 ${now.asset} ${now.partition}` : "";
      const count = rows.length ? ` (${done.length}건 마침${where})` : "";
      return `${run.job}: ${STATES[run.status]}${count}`;
    });
    return told.join(" · ");
  }

  function ended(found) {
    const rows = found.flatMap((one) => one.rows);
    const reasons = rows.map(trouble).filter(Boolean);
    const broken = found.filter(({run}) => run.status !== "success");
    for (const {run, rows: own} of broken) {
      if (!own.some((row) => row.status === "failed")) {
        reasons.push(`${run.job}: ${STATES[run.status]}. 자세한 이유는 실행 기록에 있습니다.`);
      }
    }
    const isBad = broken.length > 0 || rows.some((row) => row.status === "failed");
    const count = `새로 쓰거나 고친 행 ${written(rows).toLocaleString("ko-KR")}개`;
    const text = isBad
      ? `수집이 실패했습니다. ${count}.`
      : reasons.length
        ? `수집이 일부만 끝났습니다. ${count}.`
        : `수집이 끝났습니다. ${count}.`;
    const shown = broken[0] ?? found[0];
    const link = shown && {address: `/runs/${shown.run.run_id}`, name: "실행 기록"};
    return {text, reasons, link, isBad};
  }

  // Returns every run with its rows, as soon as the server answers for all of them; null when they
  // are gone, and the refusal when the login has run out.
  async function look(part, ids) {
    for (;;) {
      const answers = await Promise.all(
        ids.map((id) => ask(`${API}/runs/${encodeURIComponent(id)}`).catch(() => null)),
      );
      const found = answers.filter((one) => one?.ok).map((one) => one.body);
      if (found.length === ids.length) {
        return found;
      }
      if (answers.some((one) => one?.status === 404)) {
        return null;
      }
      const refusal = answers.find((one) => one?.status === 401);
      if (refusal) {
        return refusal;
      }
      tell(part, "서버가 답하지 않습니다. 다시 물어봅니다.");
      await pause(POLL_MILLISECONDS);
    }
  }

  async function follow(part, ids) {
    const what = part.dataset.collect;
    sessionStorage.setItem(place(what), JSON.stringify({ids}));
    for (;;) {
      const found = await look(part, ids);
      if (found === null) {
        sessionStorage.removeItem(place(what));
        tell(part, "실행 기록이 더는 없습니다.", {isBad: true});
        part.querySelector("button").disabled = false;
        return;
      }
      if (found.status === 401) {
        // The runs are remembered: the page follows them again after the login.
        refused(part, found);
        return;
      }
      if (found.every(({run}) => run.has_ended)) {
        const result = ended(found);
        tell(part, result.text, result);
        // Told once more on the page with the new figures.
        sessionStorage.setItem(place(what), JSON.stringify({result}));
        await pause(READ_MILLISECONDS);
        location.reload();
        return;
      }
      tell(part, live(found));
      await pause(POLL_MILLISECONDS);
    }
  }

  async function click(part, button) {
    // A second click finds the button disabled; another window gets the same run.
    button.disabled = true;
    tell(part, "시작하는 중입니다.");
    const answer = await start(part.dataset.collect).catch(() => ({status: 0, body: {}}));
    if (answer.ok) {
      await follow(part, answer.body.run_ids);
    } else {
      refused(part, answer);
      button.disabled = false;
    }
  }

  async function prepare(part, situation) {
    const what = part.dataset.collect;
    const button = part.querySelector("button");
    button.addEventListener("click", () => click(part, button));
    const kept = JSON.parse(sessionStorage.getItem(place(what)) ?? "{}");
    if (kept.ids) {
      await follow(part, kept.ids);
      return;
    }
    if (kept.result) {
      sessionStorage.removeItem(place(what));
      tell(part, kept.result.text, kept.result);
    }
    if (situation?.can_start) {
      button.disabled = false;
    } else {
      const told = REFUSALS[situation?.refusal] ?? "지금은 시작할 수 없습니다: 서버가 답하지 않습니다.";
      tell(part, [kept.result?.text, told].filter(Boolean).join(" "), {...kept.result, isBad: true});
    }
  }

  const parts = [...document.querySelectorAll("[data-collect]")];
  if (parts.length) {
    ask(`${API}/status?brief=true`)
      .then(({ok, body}) => (ok ? body : null))
      .catch(() => null)
      .then((situation) => parts.forEach((part) => prepare(part, situation)));
  }
}
