import { objectsOf, type Properties, textOf } from "./properties";

/** The containers of an ECS task definition; none of other types, nor before they are known. */
export function containersOf(type: string, { containerDefinitions }: Properties): Properties[] {
    if (type !== "aws:ecs/taskDefinition:TaskDefinition") return [];
    try {
        return objectsOf(JSON.parse(textOf(containerDefinitions)));
    } catch {
        // AWS itself refuses it.
        return [];
    }
}
