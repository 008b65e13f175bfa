import { presentLabels, type Labels } from './change-record';

/** What is known of the message that tells of a record. */
export interface Delivery {
  channel?: string;
  /** Slack's name of the message: its time. */
  ts?: string;
  /** The revision that the message shows. */
  told?: string;
  /** RFC 3339; a first post was begun then, and how it ended is not known yet. */
  posting?: string;
}

export const readDelivery = ({ channel, ts, told, posting }: Labels): Delivery => ({
  ...(channel ? { channel } : {}),
  ...(ts ? { ts } : {}),
  ...(told ? { told } : {}),
  ...(posting ? { posting } : {}),
});

/** The labels of a record with its delivery; `untold` marks those whose message is behind. */
export const deliveryLabels = (delivery: Delivery, revision: string): Labels =>
  presentLabels({ ...delivery, untold: delivery.told === revision ? undefined : 'yes' });
