var ws = new WebSocket("ws://" + location.host + "/chat/poneys/");
ws.onmessage = (event) => console.log(event.data);
ws.onopen = () => ws.send("Bonjour depuis le navigateur !");
ws.onclose = (event) => console.log("Connexion fermée, code " + event.code);
