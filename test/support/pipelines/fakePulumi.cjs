#!/usr/bin/env node
// Pulumi's command line for the pipelines' tests: it knows the commands and flags that they use, and keeps what was
// deployed in FAKE_STATE. test/engine/pipelines.test.ts asks the real one whether it knows them too.
const fs = require("node:fs");
const yaml = require(process.env.FAKE_YAML);

const FLAGS = require(process.env.FAKE_FLAGS);
const args = process.argv.slice(2);
const fail = (text) => {
    process.stderr.write(`error: ${text}\n`);
    process.exit(255);
};

const words = [];
const flags = { config: [] };
const command = Object.keys(FLAGS)
    .sort((a, b) => b.length - a.length)
    .find((name) => args.join(" ").startsWith(name));
if (command === undefined) fail(`unknown command "${args.join(" ")}" for "pulumi"`);
const rest = args.slice(command.split(" ").length);
while (rest.length > 0) {
    const word = rest.shift();
    const name = word.slice(2);
    if (!word.startsWith("--")) words.push(word);
    else if (!(name in FLAGS[command])) fail(`unknown flag: ${word}`);
    else if (FLAGS[command][name] === "") flags[name] = true;
    else if (name === "config") flags.config.push(rest.shift());
    else flags[name] = rest.shift();
}

const file = process.env.FAKE_STATE;
const state = JSON.parse(fs.readFileSync(file, "utf8"));
const held = Object.entries(process.env).filter(([, value]) => /canary/.test(value));
state.calls.push({ args, secrets: held.map(([name]) => name).sort() });
const save = () => fs.writeFileSync(file, JSON.stringify(state));
const selected = flags.stack ?? state.selected;
const settings = (stack) => {
    const own = `Pulumi.${stack}.yaml`;
    const config = fs.existsSync(own) ? (yaml.parse(fs.readFileSync(own, "utf8"))?.config ?? {}) : {};
    return (key) =>
        config[`decanter:${key}`] ??
        yaml.parse(fs.readFileSync("Pulumi.yaml", "utf8")).config[key]?.default ??
        "";
};
const known = () => state.stacks[selected] ?? fail(`no stack named '${selected}' found`);
const given = Object.fromEntries(
    flags.config.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]),
);

const commands = {
    "stack select": () => {
        const stack = words[0];
        if (!(stack in state.stacks) && !flags.create) fail(`no stack named '${stack}' found`);
        state.stacks[stack] ??= {};
        state.selected = stack;
    },
    "stack output": () => {
        const outputs = known();
        if (flags.json) process.stdout.write(`${JSON.stringify(outputs)}\n`);
        else
            process.stdout.write(
                `${outputs[words[0]] ?? fail(`current stack does not have output property '${words[0]}'`)}\n`,
            );
    },
    "stack rm": () => {
        known();
        delete state.stacks[selected];
    },
    config: () => {
        const keys = Object.keys(yaml.parse(fs.readFileSync("Pulumi.yaml", "utf8")).config);
        const all = keys.map((key) => {
            const value = settings(selected)(key);
            const isSecret = value?.secure !== undefined;
            const text = typeof value === "object" ? JSON.stringify(value) : String(value);
            return [`decanter:${key}`, isSecret ? { secret: true } : { value: text, secret: false }];
        });
        process.stdout.write(`${JSON.stringify(Object.fromEntries(all))}\n`);
    },
    "config get": () => process.stdout.write(`${settings(selected)(words[0])}\n`),
    "config set": () => {
        const name = `Pulumi.${selected}.yaml`;
        const all = fs.existsSync(name) ? (yaml.parse(fs.readFileSync(name, "utf8")) ?? {}) : {};
        all.config = {
            ...all.config,
            [`decanter:${words[0]}`]: flags.secret ? { secure: "v1:…" } : words[1],
        };
        fs.writeFileSync(name, yaml.stringify(all));
    },
    preview: () => {
        known();
        process.stdout.write(
            `${process.env.FAKE_PREVIEW ? fs.readFileSync(process.env.FAKE_PREVIEW) : "{}"}\n`,
        );
    },
    up: () => {
        known();
        if (process.env.FAKE_UP_FAILS === selected) fail("update failed");
        const version = given.version ?? "0.1.0";
        const image = given.image || `registry/${selected}:${version}@sha256:${"1".repeat(64)}`;
        state.stacks[selected] = {
            version,
            image,
            url: `${process.env.FAKE_URL}/${selected}`,
            containers: ["one"],
            logs: "/logs",
        };
    },
    refresh: () => {
        known();
        if (flags["preview-only"] && process.env.FAKE_DRIFT) {
            process.stdout.write(" ~ aws:ecs:Service hello update [diff: ~desiredCount]\n");
            fail("no changes were expected but changes were proposed");
        }
    },
    destroy: () => {
        known();
        state.stacks[selected] = {};
    },
    cancel: () => known(),
};
commands[command]();
save();
