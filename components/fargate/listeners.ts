import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { strategyStays } from "./loadBalancerGuards";

/** Sends visitors of port 80 on to https. */
export function redirectListener(
    name: string,
    balancer: aws.lb.LoadBalancer,
    child: pulumi.CustomResourceOptions,
): aws.lb.Listener {
    const redirect = { port: "443", protocol: "HTTPS", statusCode: "HTTP_301" };
    return new aws.lb.Listener(
        `${name}-http`,
        {
            loadBalancerArn: balancer.arn,
            port: 80,
            protocol: "HTTP",
            defaultActions: [{ type: "redirect", redirect }],
        },
        child,
    );
}

/** What visitors reach: the target group, or where a rule of its own sends them on, nothing by itself. */
export function httpsListener(
    name: string,
    balancer: aws.lb.LoadBalancer,
    certificateArn: pulumi.Input<string>,
    targets: aws.lb.TargetGroup | undefined,
    child: pulumi.CustomResourceOptions,
): aws.lb.Listener {
    const nothing = { contentType: "text/plain", messageBody: "no release", statusCode: "503" };
    return new aws.lb.Listener(
        `${name}-https`,
        {
            loadBalancerArn: balancer.arn,
            port: 443,
            protocol: "HTTPS",
            certificateArn,
            sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
            defaultActions: [
                targets
                    ? { type: "forward", targetGroupArn: targets.arn }
                    : { type: "fixed-response", fixedResponse: nothing },
            ],
        },
        { ...child, hooks: { beforeUpdate: [strategyStays(name)] } },
    );
}

/** The rule with which ECS moves the traffic from one target group to the other. */
export function productionRule(
    name: string,
    https: aws.lb.Listener,
    [live, idle]: [aws.lb.TargetGroup, aws.lb.TargetGroup],
    child: pulumi.CustomResourceOptions,
): aws.lb.ListenerRule {
    const targetGroups = [
        { arn: live.arn, weight: 100 },
        { arn: idle.arn, weight: 0 },
    ];
    return new aws.lb.ListenerRule(
        name,
        {
            listenerArn: https.arn,
            priority: 1,
            conditions: [{ pathPattern: { values: ["/*"] } }],
            actions: [{ type: "forward", forward: { targetGroups } }],
        },
        // ECS swings the weights at every deploy: put back, they would move the traffic to what is gone.
        { ...child, ignoreChanges: ["actions"] },
    );
}
