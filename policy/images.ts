import { objectsOf, passes, type Properties, type Rule, shown, textOf } from "./properties";
import { containersOf } from "./taskDefinition";
import { assignments, userDataOf } from "./userData";

const REMEDY = "name its digest (NAME@sha256:...), because a tag may be another image tomorrow";

/** Rules on what runs. */
export const imageRules: Rule[] = [
    {
        name: "images-are-digests",
        description: "Releases run the image of a digest, never that of a tag.",
        check: (type, properties) => [
            ...containersOf(type, properties).flatMap(({ name, image }) =>
                isDigest(image) ? [] : [`the container ${shown(name)} runs ${shown(image)}: ${REMEDY}`],
            ),
            ...dockerContainer(type, properties),
            ...assignments(userDataOf(type, properties))
                .filter(({ name, value }) => /(^|_)IMAGE$/i.test(name) && !value.includes("@sha256:"))
                .map(({ name, value }) => `the user data sets ${name} to ${shown(value)}: ${REMEDY}`),
        ],
    },
];

/**
 * Of a Docker host's containers only those that carry the version of a release. The router's image is built on the host,
 * and runs by its id; the stack's own registry runs the image that the stack's settings name, and there a tag is allowed.
 */
function dockerContainer(type: string, { image, labels }: Properties): string[] {
    if (type !== "docker:index/container:Container") return [];
    const release = objectsOf(labels).some(({ label }) => label === "decanter.version");
    return !release || passes(image, isDigest) ? [] : [`the container runs ${shown(image)}: ${REMEDY}`];
}

/** Whether an image is named by its digest, or by its id on a Docker host. */
function isDigest(image: unknown): boolean {
    return /(^|@)sha256:[0-9a-f]+$/.test(textOf(image));
}
