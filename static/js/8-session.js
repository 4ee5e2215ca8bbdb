/* The end of the session: announced two minutes ahead; a press extends it where that is possible. What was typed stays. */

const WARN_BEFORE = 120_000;
let sessionOver = false;
let askedAgain = false;

function tickSession() {
  const ends = Date.parse(told.ends);
  if (!ends || sessionOver) return;
  const left = ends - serverNow();
  const shown = document.getElementById("session");
  if (left > WARN_BEFORE) {
    askedAgain = false;
    shown?.remove();
    return;
  }
  // A page that followed silently may not know that the session was extended elsewhere: it asks once before it warns.
  if (!askedAgain && document.body.dataset.page !== undefined) {
    askedAgain = true;
    refresh();
    return;
  }
  if (left <= 0) return tellSessionOver();
  const fact = `Your session ends in ${spanWords(left)}`;
  if (shown) return setWords(shown.querySelector(".banner-fact"), fact);
  warnOfEnd(fact, told.most !== told.ends);
}

function warnOfEnd(fact, extendable) {
  const detail = extendable ? "You did nothing for a while. What you typed stays in the page." : "It has reached its longest time. Sign in again afterwards; what you typed stays in the page.";
  const stay = make("button", { type: "button", class: "button" }, "Stay signed in");
  stay.addEventListener("click", extend);
  bannerAcross("Your session", "session", "warn", "waiting", fact, detail, ...(extendable ? [stay] : []));
  say(`${fact}.`, true);
}

/** A real request by a real press: that is what counts as activity. */
async function extend() {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    const page = parsePage(await answer.text());
    if (page.querySelector("header.bar") === null) return tellSessionOver();
    told = toldBy(page);
    document.getElementById("session")?.remove();
    say("You stay signed in.");
  } catch {
    say("No answer came from the server.", true);
  }
}

function tellSessionOver() {
  if (sessionOver) return;
  sessionOver = true;
  stream?.close();
  const link = make("a", { class: "button button-primary", href: "/sign-in", target: "_blank", rel: "noopener" }, "Sign in");
  bannerAcross("Your session", "session", "warn", "lock", "Your session has ended", "This page is not live any more. What you typed stays here: sign in in another tab, then come back.", link);
  say("Your session has ended. What you typed stays here.", true);
  tickLive();
}

function sessionGoesOn() {
  if (!sessionOver) return;
  sessionOver = false;
  document.getElementById("session")?.remove();
  connect();
}
