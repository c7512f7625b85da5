// Suit le tableau : une demande en attente, la réponse qui suit le dernier numéro vu, et le retour.
const LONGEST_WAIT = 5;
const SILENCE = 15;
const state = document.querySelector("#state");
const address = location.origin.replace("http", "ws") + location.pathname;

export const $ = (selector) => document.querySelector(selector);

export function follow(receive) {
  let socket, failures = 0, number = -1, life = "", heard = 0;

  function connect() {
    state.textContent = "connexion…";
    socket = new WebSocket(address);
    heard = Date.now();
    socket.onopen = ask;
    socket.onclose = wait;
    socket.onmessage = (event) => {
      failures = 0;
      heard = Date.now();
      state.textContent = "en direct";
      const news = JSON.parse(event.data);
      if (news.type === "refused") return;
      ({ number, life } = news);
      receive(news);
      ask();
    };
  }

  function ask() {
    socket.send(JSON.stringify({ after: number, life }));
  }

  function wait() {
    const seconds = Math.min(LONGEST_WAIT, 2 ** failures) * (0.5 + Math.random() / 2);
    failures += 1;
    state.textContent = "le tableau ne répond plus : ce que vous voyez date ; je le rappelle…";
    setTimeout(connect, seconds * 1000);
  }

  // Un fil coupé ne ferme rien : c'est le silence qui le dit.
  setInterval(() => {
    if (socket.readyState > WebSocket.OPEN || Date.now() - heard < SILENCE * 1000) return;
    socket.onclose = socket.onmessage = null;
    socket.close();
    wait();
  }, 1000);
  connect();
}

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

export const plural = (count, word) => `${count} ${word}${count > 1 ? "s" : ""}`;

export function showHour({ slot, until, left, over, early }) {
  const minutes = Math.ceil(left);
  $("#slot").textContent = over ? "L'horaire est fini."
    : early ? `Début dans ${minutes} min : ${slot}`
    : `${slot}, jusqu'à ${until} : encore ${minutes} min`;
}
