const state = document.querySelector("#state");
const messages = document.querySelector("#messages");
const form = document.querySelector("#talk");
const text = document.querySelector("#text");
const address = location.origin.replace("http", "ws") + location.pathname;

function line(name, sentence) {
  const item = document.createElement("li");
  const author = document.createElement("b");
  author.textContent = name;
  item.append(author, " ", sentence);
  return item;
}

function receive(frame) {
  if (frame.type === "welcome") state.textContent = `Bienvenue ${frame.name} !`;
  if (frame.type === "message") messages.append(line(frame.name, frame.text));
}

const socket = new WebSocket(address, "json");
socket.onmessage = (event) => receive(JSON.parse(event.data));

form.onsubmit = (event) => {
  event.preventDefault();
  socket.send(JSON.stringify({ type: "message", text: text.value }));
  text.value = "";
};
