const fs = require("node:fs");

fs.mkdirSync("../priv/static", { recursive: true });
fs.writeFileSync("../priv/static/label.txt", require("foil").wrap());
