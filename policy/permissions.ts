import { listOf, objectsOf, part, type Properties, type Rule, shown, textOf } from "./properties";

const POLICIES = [
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
];

/** Rules on what roles may do. */
export const permissionRules: Rule[] = [
    {
        name: "permissions-are-narrow",
        description: "IAM policies allow no wildcard of actions on every resource, nor passing every role.",
        check: (type, properties) => [
            ...documents(type, properties).flatMap(tooWide),
            ...listOf([properties.policyArn, listOf(properties.managedPolicyArns)].flat())
                .filter(
                    (arn) => type.startsWith("aws:iam/") && /:policy\/AdministratorAccess$/.test(textOf(arn)),
                )
                .map(
                    (arn) =>
                        `${shown(arn)} allows everything: attach a policy with the actions that are needed`,
                ),
        ],
    },
];

function documents(type: string, properties: Properties): unknown[] {
    if (POLICIES.includes(type)) return listOf(properties.policy);
    if (type !== "aws:iam/role:Role") return [];
    return objectsOf(properties.inlinePolicies).flatMap(({ policy }) => listOf(policy));
}

function tooWide(document: unknown): string[] {
    return objectsOf(part(parsed(document), "Statement"))
        .filter(({ Effect }) => Effect === "Allow")
        .flatMap(({ Action, NotAction, Resource, NotResource }) => {
            // All but some resources are as good as all.
            if (NotResource === undefined && !listOf(Resource).some(isEvery)) return [];
            const excepted = NotAction === undefined ? [] : [`all but ${shown(NotAction)}`];
            const wide = listOf(Action).filter((action) => isWide(textOf(action)));
            return [...excepted, ...wide.map(shown)].map(
                (what) =>
                    `${what} is allowed on ${shown(Resource ?? "all but some resources")}: name ${remedy(what)}`,
            );
        });
}

function remedy(what: string): string {
    return /passrole/i.test(what)
        ? "the roles that are passed"
        : "the actions, or the resources, that are needed";
}

/** The document, which programs give as JSON or as an object. */
function parsed(document: unknown): unknown {
    if (typeof document !== "string") return document;
    try {
        return JSON.parse(document) as unknown;
    } catch {
        // AWS itself refuses it.
        return undefined;
    }
}

/** Whether it names every resource: "*", or an ARN of nothing else. */
function isEvery(resource: unknown): boolean {
    return /^(arn:)?(aws[\w-]*:)?[*:]+$/.test(textOf(resource));
}

/** Whether an action is every one, every one of a service, or includes iam:PassRole. */
function isWide(action: string): boolean {
    if (/^(\*|[\w-]+:\*|\*:\*)$/.test(action)) return true;
    const pattern = action
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".");
    return new RegExp(`^${pattern}$`, "i").test("iam:PassRole");
}
