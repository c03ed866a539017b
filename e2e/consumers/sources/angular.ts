import { Component, CUSTOM_ELEMENTS_SCHEMA, provideZoneChangeDetection } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { type Availability, connect, defineAvailabilityBadge } from "availability-bridge";

@Component({
  selector: "app-root",
  schemas: [CUSTOM_ELEMENTS_SCHEMA],
  template: `
    <p>{{ status }}</p>
    <availability-badge [user-id]="userId" />
    <availability-badge [userId]="userId" />
    <availability-badge [attr.user-id]="userId" />
    <availability-badge user-id="{{ userId }}"></availability-badge>
    <button type="button" (click)="next()">next</button>
  `,
})
class App {
  userId = 123;
  status = "unknown";

  constructor() {
    const connector = connect({ src: new URLSearchParams(location.search).get("src") ?? "" });
    defineAvailabilityBadge(connector);
    connector.watch(123, ({ status }: Availability) => {
      this.status = status;
    });
  }

  next() {
    this.userId = 124;
  }
}

void bootstrapApplication(App, { providers: [provideZoneChangeDetection()] });
