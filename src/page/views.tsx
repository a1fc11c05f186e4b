import type { ComponentChild } from "preact";
import type { Route } from "./routing.ts";
import { ErrorsView } from "./views/errors-view.tsx";
import { ImportView } from "./views/import-view.tsx";
import { ImportsView } from "./views/imports-view.tsx";
import { OverviewView } from "./views/overview-view.tsx";
import { PromotionView } from "./views/promotion-view.tsx";
import { PromotionsView } from "./views/promotions-view.tsx";
import { RegistriesView } from "./views/registries-view.tsx";
import { RuleView } from "./views/rule-view.tsx";
import { RulesView } from "./views/rules-view.tsx";
import { ScheduleView } from "./views/schedule-view.tsx";
import { SchedulesView } from "./views/schedules-view.tsx";
import { StartImportView } from "./views/start-import-view.tsx";
import { StartPromotionView } from "./views/start-promotion-view.tsx";

export interface View {
  /** First part of its address. */
  readonly name: string;
  /** Its entry in the navigation; undefined: it is reached by links only. */
  readonly inNavigation: string | undefined;
  /** It is of one thing, which the address must name. */
  readonly needsArgument?: boolean;
  /** The view of the navigation that it belongs to. */
  readonly under?: string;
  /** Of the browser's window. */
  readonly title: (route: Route) => string;
  readonly render: (route: Route) => ComponentChild;
}

/** Shown at `/`. */
export const startView = "overview";

/** Every view, in the order of the navigation. */
export const views: readonly View[] = [
  {
    name: "overview",
    inNavigation: "Overview",
    title: () => "Overview",
    render: ({ query }) => <OverviewView query={query} />,
  },
  {
    name: "imports",
    inNavigation: "Imports",
    title: () => "Imports",
    render: ({ query }) => <ImportsView query={query} />,
  },
  {
    name: "start",
    inNavigation: "Start an import",
    title: () => "Start an import",
    render: () => <StartImportView />,
  },
  {
    name: "import",
    inNavigation: undefined,
    needsArgument: true,
    under: "imports",
    title: ({ argument }) => `Import ${argument}`,
    render: ({ argument }) => <ImportView id={argument} />,
  },
  {
    name: "promotions",
    inNavigation: "Promotions",
    title: () => "Promotions",
    render: ({ query }) => <PromotionsView query={query} />,
  },
  {
    name: "promotion",
    inNavigation: undefined,
    under: "promotions",
    needsArgument: true,
    title: ({ argument }) => `Promotion ${argument}`,
    render: ({ argument, query }) => <PromotionView id={argument} query={query} />,
  },
  {
    name: "promote",
    inNavigation: undefined,
    under: "promotions",
    title: () => "Start a promotion",
    render: () => <StartPromotionView />,
  },
  {
    name: "rules",
    inNavigation: "Rules",
    title: () => "Rules",
    render: () => <RulesView />,
  },
  {
    name: "rule",
    inNavigation: undefined,
    under: "rules",
    title: ({ argument }) => (argument === "" ? "Make a rule" : `Rule ${argument}`),
    render: ({ argument }) => <RuleView name={argument} />,
  },
  {
    name: "schedules",
    inNavigation: "Schedules",
    title: () => "Schedules",
    render: () => <SchedulesView />,
  },
  {
    name: "schedule",
    inNavigation: undefined,
    under: "schedules",
    title: ({ argument }) => (argument === "" ? "Make a schedule" : `Schedule ${argument}`),
    render: ({ argument }) => <ScheduleView name={argument} />,
  },
  {
    name: "registries",
    inNavigation: "Registries",
    title: () => "Registries",
    render: () => <RegistriesView />,
  },
  {
    name: "errors",
    inNavigation: "Errors",
    title: () => "Errors and cures",
    render: ({ argument }) => <ErrorsView code={argument} />,
  },
];
