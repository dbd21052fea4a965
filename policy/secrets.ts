import { objectsOf, type Properties, type Rule, shown, textOf } from "./properties";
import { looksSecret, secretsIn } from "./secretNames";
import { containersOf } from "./taskDefinition";
import { assignments, userDataOf } from "./userData";

const ARN = /^arn:aws[\w-]*:(ssm|secretsmanager):/;

/** Rules on where secrets are. No message holds a value. */
export const secretRules: Rule[] = [
    {
        name: "secrets-are-references",
        description: "Task definitions and user data hold no secret, only where to fetch it.",
        check: (type, properties) => [
            ...containersOf(type, properties).flatMap(inContainer),
            ...inUserData(userDataOf(type, properties)),
        ],
    },
];

function inContainer({ name: container, environment, secrets }: Properties): string[] {
    const where = `the container ${shown(container)}`;
    const plain = objectsOf(environment).flatMap(({ name, value }) => {
        const held = secretsIn(textOf(value));
        const what = looksSecret(textOf(name)) ? ["a plain value"] : held;
        return what.map(
            (found) =>
                `${where} has the variable ${textOf(name)} with ${found}: ` +
                "put it into an SSM parameter, and its ARN into secrets",
        );
    });
    const wrong = objectsOf(secrets)
        .filter(({ valueFrom }) => !ARN.test(textOf(valueFrom)))
        .map(
            ({ name }) =>
                `${where} takes the secret ${textOf(name)} from something that is no ARN: ` +
                "give the ARN of an SSM parameter or of a Secrets Manager secret",
        );
    return [...plain, ...wrong];
}

function inUserData(text: string): string[] {
    const named = assignments(text)
        // cloud-init's lock_passwd is no password.
        .filter(({ name, value }) => looksSecret(name.toUpperCase()) && !/^(true|false|null)$/.test(value))
        .map(({ name }) => `a value of ${name}`);
    return [...new Set([...named, ...secretsIn(text)])].map(
        (what) =>
            `the user data holds ${what}, which everybody on the host may read: fetch it at boot from SSM`,
    );
}
