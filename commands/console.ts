import { ask, command, CommandError, must, show } from "./command";
import { Stack } from "./stack";

// STACK, for bin/console.

command((name = "") => open(new Stack(name)));

function open(stack: Stack): number {
    const { containers: [serves] = [], console: opens = "" } = stack.outputs() as {
        containers?: string[];
        console?: string;
    };
    if (serves === undefined)
        throw new CommandError(`nothing has been deployed in the stack ${stack.name} yet`);
    const target = stack.setting("target");
    if (target === "edge")
        throw new CommandError(
            `the stack ${stack.name} is an edge, and has no release: name one that is behind it`,
        );
    if (target === "docker") {
        const on = stack.host === undefined ? [] : ["--host", stack.host];
        return show("docker", ...on, "exec", "--interactive", "--tty", serves, ...opens.split(" "));
    }
    for (const [program, what] of [
        ["aws", "AWS's command line"],
        ["session-manager-plugin", "AWS's session-manager-plugin"],
    ] as const) {
        if (ask("sh", "-c", `command -v ${program}`).code !== 0)
            throw new CommandError(`${what} is missing: install it, and run this again`);
    }
    process.env.AWS_REGION = stack.setting("region");
    if (target === "floating-ip") {
        const parameters = ["--parameters", JSON.stringify({ command: [opens] })];
        const document = ["--document-name", "AWS-StartInteractiveCommand"];
        return show("aws", "ssm", "start-session", "--target", serves, ...document, ...parameters);
    }
    const [cluster = "", service = "", container = ""] = serves.split("/");
    const of = ["--cluster", cluster, "--service-name", service];
    const running = ["--desired-status", "RUNNING", "--query", "taskArns[0]", "--output", "text"];
    const task = must("aws", "ecs", "list-tasks", ...of, ...running).trim();
    if (task === "None") {
        throw new CommandError(
            `no task of ${service} runs: aws ecs describe-services --cluster ${cluster} --services ${service} says why`,
        );
    }
    const at = ["--cluster", cluster, "--task", task, "--container", container];
    return show("aws", "ecs", "execute-command", ...at, "--interactive", "--command", opens);
}
