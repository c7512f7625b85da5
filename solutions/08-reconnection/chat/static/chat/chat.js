const state = document.querySelector("#state");
const log = document.querySelector("#log");
const messages = document.querySelector("#messages");
const form = document.querySelector("#talk");
const text = document.querySelector("#text");
const address = location.origin.replace("http", "ws") + location.pathname;
const LONGEST_WAIT = 30;

let socket;
let failures = 0;
let waiting;

function line(name, sentence) {
  const item = document.createElement("li");
  const author = document.createElement("b");
  author.textContent = name;
  item.append(author, " ", sentence);
  return item;
}

function append(list, item) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  list.append(item);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function receive(frame) {
  if (frame.type === "welcome") {
    failures = 0;
    state.textContent = `connecté · Bienvenue ${frame.name} !`;
  }
  if (frame.type === "message") append(messages, line(frame.name, frame.text));
}

function connect() {
  hangUp();
  state.textContent = "connexion…";
  socket = new WebSocket(address, "json");
  socket.onmessage = (event) => receive(JSON.parse(event.data));
  socket.onclose = wait;
}

function wait() {
  const seconds = Math.min(LONGEST_WAIT, 2 ** failures) * (0.5 + Math.random() / 2);
  failures += 1;
  const network = navigator.onLine ? "" : "hors ligne · ";
  state.textContent = `${network}reconnexion dans ${Math.ceil(seconds)} s`;
  waiting = setTimeout(connect, seconds * 1000);
}

function hangUp() {
  clearTimeout(waiting);
  if (!socket) return;
  socket.onclose = socket.onmessage = null;
  socket.close();
}

function leave() {
  hangUp();
  wait();
}

addEventListener("online", connect);
addEventListener("offline", leave);

form.onsubmit = (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ type: "message", text: text.value }));
  text.value = "";
};

connect();
